'use server';

import { UnitPay } from '@unitpay/node';

import { endSession, signedIn, startSession } from './session';

export async function login(form: FormData): Promise<void> {
  await startSession(form.get('user'));
}

// Whoever leaves the app leaves the portal too: here in every browser of theirs. Where the
// revocation fails, the user is still signed in and can press the button again.
export async function logout(): Promise<void> {
  const user = await signedIn();
  if (user) await new UnitPay().portalSessions.revoke({ customerId: user.customerId });
  await endSession();
}
