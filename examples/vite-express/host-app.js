// Stands for what your app has already: its users, its login and its server-side sessions.
// Nothing in this file is about UnitPay, and none of it is fit for production.
import { randomUUID } from 'node:crypto';

const users = new Map([
  ['ada', { name: 'Ada', customerId: 'cus_123' }],
  ['grace', { name: 'Grace', customerId: 'acme' }],
]);
const sessions = new Map();

function sessionId(request) {
  return /(?:^|; )app_session=([0-9a-f-]{36})/.exec(request.get('cookie') ?? '')?.[1];
}

/** Lets through what a page of ours asks for, and no other site's. */
export function ownPages(request, response, next) {
  const site = request.get('sec-fetch-site') ?? 'same-origin';
  if (site !== 'same-origin') return response.status(403).json({ error: 'not of this site' });
  next();
}

/** POST {"user"}: a real login asks for more than a name. */
export function login(request, response) {
  const user = users.get(request.body?.user);
  if (!user) return response.status(401).json({ error: 'unknown user' });
  const id = randomUUID();
  sessions.set(id, { user, portalSessions: [] });
  response.cookie('app_session', id, { httpOnly: true, sameSite: 'lax' });
  response.json({ user: user.name });
}

/** GET: who is signed in, or null. */
export function me(request, response) {
  response.json({ user: sessions.get(sessionId(request))?.user.name ?? null });
}

/** Lets a signed-in user through, with the session in `request.session`. */
export function signedIn(request, response, next) {
  request.session = sessions.get(sessionId(request));
  if (!request.session) return response.status(401).json({ error: 'not signed in' });
  next();
}

export function endSession(request, response) {
  sessions.delete(sessionId(request));
  response.clearCookie('app_session');
}
