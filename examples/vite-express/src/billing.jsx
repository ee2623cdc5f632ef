import { useEffect, useState } from 'react';
import { BillingPortal, FeatureGate, UnitPayProvider } from '@unitpay/react';
import '@unitpay/react/styles.css';

export function Billing() {
  const token = usePortalToken();
  return (
    <UnitPayProvider portalToken={token}>
      <FeatureGate featureSlug="sso" fallback={<p>Single sign-on comes with the plan Scale.</p>}>
        <p>Single sign-on is on.</p>
      </FeatureGate>
      <BillingPortal />
    </UnitPayProvider>
  );
}

/** Null until our own server has answered; the portal shows skeletons until then. */
function usePortalToken() {
  const [token, setToken] = useState(null);
  useEffect(() => {
    const leaving = new AbortController();
    fetch('/api/portal-session', { method: 'POST', signal: leaving.signal })
      .then((answer) => answer.json())
      .then((session) => setToken(session.token))
      .catch((error) => leaving.signal.aborted || console.error(error));
    return () => leaving.abort();
  }, []);
  return token;
}
