/**
 * Hands a form of Stripe's over to `/portal/pay`, and its outcome back to the portal. Both pass through
 * the tab's session storage: an address would leave the form's secret in the history and in logs.
 */
import type { Branding, Flow, FormClient } from '@unitpay/react';

/** The portal that a form belongs to, and its task there. */
interface Place {
  /** The session's id. It opens nothing without the session's cookie, which no script can read. */
  sid: string;
  /** The task that the form is a step of. */
  task?: Flow | undefined;
  /** The payment that the form is for. */
  paymentAttemptId?: string | undefined;
  /** The state of the portal's history entry. */
  state: unknown;
}

export interface Handover extends Place {
  client: FormClient;
  /** The amount on the button, formatted. */
  amount?: string | undefined;
  locale: string;
  branding: Partial<Branding>;
}

/** `intentId` is absent if the customer gave up. */
export interface Outcome extends Place {
  type: FormClient['type'];
  intentId?: string | undefined;
}

const HANDOVER = 'unitpay.form';
const OUTCOME = 'unitpay.outcome';

/** Throws if the browser has no session storage for this page. */
export function leaveForm(handover: Handover): void {
  sessionStorage.setItem(HANDOVER, JSON.stringify(handover));
}

/** Returns the form to show, which stays for a reload or a redirect of the bank; null without one. */
export function readForm(): Handover | null {
  return read(HANDOVER) as Handover | null;
}

/** Keeps the outcome for the portal and forgets the form. */
export function leaveOutcome(
  { sid, task, paymentAttemptId, state, client }: Handover,
  id?: string,
) {
  const outcome: Outcome = { sid, task, paymentAttemptId, state, type: client.type, intentId: id };
  sessionStorage.setItem(OUTCOME, JSON.stringify(outcome));
  sessionStorage.removeItem(HANDOVER);
}

/** Returns the outcome of this session's form, once. */
export function takeOutcome(sid: string): Outcome | null {
  const outcome = read(OUTCOME) as Outcome | null;
  if (outcome?.sid !== sid) return null;
  sessionStorage.removeItem(OUTCOME);
  return outcome;
}

function read(name: string): unknown {
  try {
    return JSON.parse(sessionStorage.getItem(name) ?? 'null') as unknown;
  } catch {
    // The browser refuses storage, or something else has written there.
    return null;
  }
}
