// Stands for what your app has already: its users, its login and its server-side sessions.
// Nothing in this file is about UnitPay, and none of it is fit for production.
import { randomUUID } from 'node:crypto';
import { cookies } from 'next/headers';

export interface User {
  name: string;
  customerId: string;
}

const users = new Map<string, User>([
  ['ada', { name: 'Ada', customerId: 'cus_123' }],
  ['grace', { name: 'Grace', customerId: 'acme' }],
]);

// Pages and routes are built apart and share what is global alone.
const shared = globalThis as { appSessions?: Map<string, User> };
const sessions = (shared.appSessions ??= new Map<string, User>());

const COOKIE = 'app_session';

/** Returns the customer who is signed in. */
export async function signedIn(): Promise<User | undefined> {
  return sessions.get((await cookies()).get(COOKIE)?.value ?? '');
}

/** A real login asks for more than a name. */
export async function startSession(name: unknown): Promise<void> {
  const user = users.get(String(name));
  if (!user) return;
  const id = randomUUID();
  sessions.set(id, user);
  (await cookies()).set(COOKIE, id, { httpOnly: true, sameSite: 'lax' });
}

export async function endSession(): Promise<void> {
  const jar = await cookies();
  sessions.delete(jar.get(COOKIE)?.value ?? '');
  jar.delete(COOKIE);
}
