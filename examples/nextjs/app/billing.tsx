'use client';

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

/** The same by way of our own server, see `app/api/unitpay`. */
export function ProxiedBilling() {
  const portalToken = usePortalToken();
  return (
    <UnitPayProvider config={{ portalToken, proxyBaseUrl: '/api/unitpay' }}>
      <BillingPortal />
    </UnitPayProvider>
  );
}

/** Null until our own server has answered; the portal shows skeletons until then. */
function usePortalToken() {
  const [token, setToken] = useState<string | null>(null);
  useEffect(() => {
    const leaving = new AbortController();
    fetch('/api/portal-session', { method: 'POST', signal: leaving.signal })
      .then((answer) => answer.json())
      .then((session: { token: string }) => setToken(session.token))
      .catch((error: unknown) => leaving.signal.aborted || console.error(error));
    return () => leaving.abort();
  }, []);
  return token;
}
