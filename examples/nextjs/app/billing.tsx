'use client';

import { BillingPortal, FeatureGate, UnitPayProvider } from '@unitpay/react';
import '@unitpay/react/styles.css';

/** The route of our own server that mints a token for the signed-in user. */
const getPortalToken = '/api/portal-session';

export function Billing() {
  return (
    <UnitPayProvider config={{ getPortalToken }}>
      <FeatureGate featureSlug="sso" fallback={<p>Single sign-on comes with the plan Scale.</p>}>
        <p>Single sign-on is on.</p>
      </FeatureGate>
      <BillingPortal />
    </UnitPayProvider>
  );
}

/** The same through our own server, see `app/api/unitpay`. */
export function ProxiedBilling() {
  return (
    <UnitPayProvider config={{ getPortalToken, proxyBaseUrl: '/api/unitpay' }}>
      <BillingPortal />
    </UnitPayProvider>
  );
}
