/**
 * An integrator's page: its address says which token, which parts and what surrounds them. What the
 * tests look at is in its text; what they do is in its buttons.
 */
import { StrictMode, useEffect, useState, type ReactNode } from 'react';
import { createRoot } from 'react-dom/client';

import {
  BillingDetails,
  BillingPortal,
  CreditBalance,
  FeatureGate,
  InvoiceList,
  PaymentMethods,
  Paywall,
  PlanChangeDialog,
  PricingTable,
  SubscriptionCard,
  useBilling,
  useCustomer,
  usePortalSession,
  UnitPayProvider,
  UsageChart,
  type Appearance,
  type EndReason,
  type Flow,
} from '@unitpay/react';
import { ar } from '@unitpay/react/locales/ar';
import { de } from '@unitpay/react/locales/de';

const query = new URLSearchParams(location.search);
const tokens = query.getAll('token');
const renewed = query.get('renewed');
const flow = query.get('flow');
const own = query.get('messages');

const SHEETS: Record<string, () => Promise<unknown>> = {
  plain: () => import('@unitpay/react/styles.css'),
  layer: () => import('@unitpay/react/styles.layer.css'),
};

/** The host page's own rules, after ours, as they often are. */
const FRAMES: Record<string, () => Promise<unknown>> = {
  bootstrap: () => import('bootstrap/dist/css/bootstrap.css'),
  tailwind: () => import('./tailwind.css'),
  layers: () => import('./layers.css'),
};

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
        Note{' '}
        <input
          value={note}
          onChange={(event) => {
            setNote(event.target.value);
          }}
        />
      </label>
    </section>
  );
}

function Portal() {
  const [end, setEnd] = useState('');
  return (
    <>
      <BillingPortal
        flow={flow === null ? undefined : (JSON.parse(flow) as Flow)}
        onFlowEnd={(reason) => {
          setEnd((all) => all + reason);
        }}
      />
      <p data-testid="flow-end" hidden>
        {end}
      </p>
    </>
  );
}

/** A plan's confirmation on a page of its own, with what came of it. */
function Change() {
  const [isOpen, setOpen] = useState(false);
  const [outcomes, setOutcomes] = useState<string[]>([]);
  return (
    <>
      <button
        onClick={() => {
          setOpen(true);
        }}
      >
        Take it
      </button>
      <PlanChangeDialog
        planId={query.get('planId') ?? ''}
        subscriptionId={query.get('subscriptionId')}
        open={isOpen}
        onClose={(outcome) => {
          setOpen(false);
          setOutcomes((all) => [...all, outcome?.kind ?? 'nothing']);
        }}
      />
      <p data-testid="outcomes">{outcomes.join()}</p>
    </>
  );
}

/** A gate, and the plans that open it. */
function Locked() {
  const [isOpen, setOpen] = useState(false);
  const slug = query.get('feature') ?? '';
  return (
    <>
      <FeatureGate
        featureSlug={slug}
        fallback={
          <button
            onClick={() => {
              setOpen(true);
            }}
          >
            Unlock
          </button>
        }
      >
        <p>Unlocked</p>
      </FeatureGate>
      <Paywall
        featureSlug={slug}
        open={isOpen}
        onClose={() => {
          setOpen(false);
        }}
      />
    </>
  );
}

const PARTS: Record<string, () => ReactNode> = {
  portal: () => <Portal />,
  change: () => <Change />,
  locked: () => <Locked />,
  details: () => <BillingDetails />,
  plan: () => <SubscriptionCard />,
  plans: () => <PricingTable />,
  invoices: () => <InvoiceList />,
  methods: () => <PaymentMethods />,
  credits: () => <CreditBalance />,
  usage: () => <UsageChart />,
};

function Page() {
  const [reasons, setReasons] = useState<EndReason[]>([]);
  const [isMounted, setMounted] = useState(true);
  const [token, setToken] = useState(tokens[0]);
  useEffect(() => {
    const onToken = (event: Event) => {
      setToken((event as CustomEvent<string>).detail);
    };
    addEventListener('token', onToken);
    return () => {
      removeEventListener('token', onToken);
    };
  }, []);
  const hasTools = query.get('tools') !== 'none';
  return (
    <>
      {hasTools ? (
        <>
          <p data-testid="reasons">{reasons.join()}</p>
          <button
            onClick={() => {
              setMounted(!isMounted);
            }}
          >
            Mount
          </button>
          <button
            onClick={() => {
              setToken(tokens[1]);
            }}
          >
            Other customer
          </button>
          <a href="./elsewhere">Elsewhere</a>
        </>
      ) : null}
      {isMounted ? (
        <UnitPayProvider
          portalToken={token}
          config={{
            apiBaseUrl: query.get('api') ?? undefined,
            onSessionExpired: (reason) => {
              setReasons((all) => [...all, reason]);
            },
            getPortalToken: renewed ? () => renewed : (query.get('route') ?? undefined),
          }}
          appearance={{
            theme: (query.get('theme') ?? 'auto') as NonNullable<Appearance['theme']>,
            variables: Object.fromEntries(new URLSearchParams(query.get('variables') ?? '')),
          }}
          locale={query.get('locale') ?? undefined}
          messages={own ? (JSON.parse(own) as Record<string, string>) : [de, ar]}
        >
          {hasTools ? <Session /> : null}
          {query
            .get('part')
            ?.split(' ')
            .map((part) => (
              <div key={part}>{PARTS[part]?.()}</div>
            ))}
        </UnitPayProvider>
      ) : null}
    </>
  );
}

await SHEETS[query.get('sheet') ?? 'plain']?.();
await FRAMES[query.get('frame') ?? '']?.();
const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <Page />
    </StrictMode>,
  );
}
