import { createServer } from 'node:http';
import { ApiError, UnitPay } from '@unitpay/node';
import express from 'express';

import { endSession, login, me, ownPages, signedIn } from './host-app.js';

const unitpay = new UnitPay();
const app = express();
const server = createServer(app);
const api = express.Router();
app.use('/api', ownPages, api);

api.post('/login', express.json(), login);
api.get('/me', me);

// The page of a signed-in user asks here for a portal token. Whose it is comes from the session on
// the server: a customer id out of the request would let any user open any other's portal.
api.post('/portal-session', signedIn, async (request, response) => {
  const { user, portalSessions } = request.session;
  const { token, expiresAt, jti } = await unitpay.portalSessions.create({
    customerId: user.customerId,
    ttlSeconds: 900,
  });
  portalSessions.push(jti);
  response.set('Cache-Control', 'no-store').json({ token, expiresAt });
});

// Signing out of the app also ends the portal session in every tab. If the revocation fails, the user is
// still signed in and can press the button again.
api.post('/logout', signedIn, async (request, response) => {
  const { portalSessions } = request.session;
  await Promise.all(portalSessions.map((jti) => unitpay.portalSessions.revoke({ jti })));
  endSession(request, response);
  response.status(204).end();
});

api.use((error, request, response, next) => {
  if (!(error instanceof ApiError)) return next(error);
  console.error(`${error.name} ${error.code} ${error.requestId}: ${error.message}`);
  response.status(502).json({ error: 'the portal is not available' });
});

// The page: as `vite build` made it, or as it is edited.
if (process.env.NODE_ENV === 'production') {
  app.use(express.static('dist'));
} else {
  const vite = await import('vite');
  const { middlewares } = await vite.createServer({
    server: { middlewareMode: true, hmr: { server } },
  });
  app.use(middlewares);
}

server.listen(process.env.PORT ?? 3000, '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
process.on('SIGTERM', () => process.exit());
