import { portalSessionRoute } from '@unitpay/node/next';

import { signedIn } from '../../session';

// The page of a signed-in user asks here for a portal token. Whose it is comes from the session on
// the server: a customer id out of the request would let any user open any other's portal.
export const POST = portalSessionRoute({
  customerId: async () => (await signedIn())?.customerId ?? null,
  ttlSeconds: 900,
});
