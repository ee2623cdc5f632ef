import { BillingPortal, FeatureGate, UnitPayProvider } from '@unitpay/react';
import '@unitpay/react/styles.css';

/** The route of our own server that mints a token for the signed-in user. */
const config = { getPortalToken: '/api/portal-session' };

export function Billing() {
  return (
    <UnitPayProvider config={config}>
      <FeatureGate featureSlug="sso" fallback={<p>Single sign-on comes with the plan Scale.</p>}>
        <p>Single sign-on is on.</p>
      </FeatureGate>
      <BillingPortal />
    </UnitPayProvider>
  );
}
