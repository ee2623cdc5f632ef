/**
 * An integrator's page: its address says which token and which parts. What the tests look at is in
 * its text; what they do is in its buttons.
 */
import { StrictMode, useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';

import {
  BillingDetails,
  BillingPortal,
  useBilling,
  useCustomer,
  usePortalSession,
  UnitPayProvider,
  type EndReason,
} from '@unitpay/react';
import '@unitpay/react/styles.css';

const query = new URLSearchParams(location.search);
const tokens = query.getAll('token');
const renewed = query.get('renewed');

function Session() {
  const { state, customerId, signOut } = usePortalSession();
  const { customer, isLoading, error, refetch } = useCustomer();
  const generation = useBilling().session?.token?.generation;
  const [note, setNote] = useState('');
  return (
    <section aria-label="session">
      <p data-testid="state">{state}</p>
      <p data-testid="generation">{generation}</p>
      <p data-testid="customer">{customerId}</p>
      <p data-testid="name">{isLoading ? 'loading' : (error?.code ?? customer?.name)}</p>
      <button onClick={() => void refetch()}>Ask again</button>
      <button onClick={() => void signOut()}>Sign out</button>
      <label>
        Note <input value={note} onChange={(event) => setNote(event.target.value)} />
      </label>
    </section>
  );
}

function Page() {
  const [reasons, setReasons] = useState<EndReason[]>([]);
  const [isMounted, setMounted] = useState(true);
  const [token, setToken] = useState(tokens[0]);
  const part = query.get('part');
  useEffect(() => {
    const onToken = (event: Event) => setToken((event as CustomEvent<string>).detail);
    addEventListener('token', onToken);
    return () => removeEventListener('token', onToken);
  }, []);
  return (
    <>
      <p data-testid="reasons">{reasons.join()}</p>
      <button onClick={() => setMounted(!isMounted)}>Mount</button>
      <button onClick={() => setToken(tokens[1])}>Other customer</button>
      <a href="./elsewhere">Elsewhere</a>
      {isMounted ? (
        <UnitPayProvider
          portalToken={token}
          config={{
            onSessionExpired: (reason) => setReasons((all) => [...all, reason]),
            getPortalToken: renewed ? () => renewed : undefined,
          }}
        >
          {part === 'only-details' ? null : <Session />}
          {part === 'portal' ? <BillingPortal /> : null}
          {part?.endsWith('details') ? <BillingDetails /> : null}
        </UnitPayProvider>
      ) : null}
    </>
  );
}

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <Page />
    </StrictMode>,
  );
}
