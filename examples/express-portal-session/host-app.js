// Stands for what your app has already: its users, its login and its server-side sessions.
// Nothing in this file is about UnitPay, and none of it is fit for production.
import { randomUUID } from 'node:crypto';

const users = new Map([
  ['ada', { name: 'Ada', customerId: 'cus_123' }],
  ['grace', { name: 'Grace', customerId: 'cus_124' }],
]);
const sessions = new Map();

function sessionId(request) {
  return /(?:^|; )app_session=([0-9a-f-]{36})/.exec(request.get('cookie') ?? '')?.[1];
}

/** POST /login {"user"}: a real login asks for more than a name. */
export function login(request, response) {
  const user = users.get(request.body?.user);
  if (!user) return response.status(401).json({ error: 'unknown user' });
  const id = randomUUID();
  sessions.set(id, { user, portalSessions: [] });
  response.cookie('app_session', id, { httpOnly: true, sameSite: 'lax' });
  response.status(204).end();
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
