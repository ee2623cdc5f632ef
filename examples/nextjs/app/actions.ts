'use server';

import { UnitPay } from '@unitpay/node';

import { endSession, signedIn, startSession } from './session';

export async function login(form: FormData): Promise<void> {
  await startSession(form.get('user'));
}

// Signing out of the app also ends the user's portal sessions in every browser. If the
// revocation fails, the user is still signed in and can press the button again.
export async function logout(): Promise<void> {
  const user = await signedIn();
  if (user) await new UnitPay().portalSessions.revoke({ customerId: user.customerId });
  await endSession();
}
