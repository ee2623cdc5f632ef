/** Opens the session of the page, or finds out why there is none. */
import type { Branding, CurrentSession } from '@unitpay/react';

import { base, exchange, isFirst, opening, sid } from './boot.js';

/** The reason for which the page shows no session. */
export type Closed =
  'nothing' | 'link' | 'expired' | 'revoked' | 'archived' | 'signedOut' | 'unavailable' | 'offline';

/** The branding, the locale and the link back. */
export interface Look {
  /** The page of a link to one invoice. `status` if it is not owed any more. */
  invoice: { id?: string; status?: 'paid' | 'void' } | null;
  branding: Partial<Branding>;
  returnUrl: string | null;
  locale: string | null;
}

export type Opened = Look &
  (
    | { closed: Closed; emailHint?: string }
    | { token: string; data: Data; flow: CurrentSession['session']['flow'] }
  );

type Data = Readonly<Record<string, unknown>>;

/** The body of the exchange: a session or a problem. */
export interface Body {
  token?: string;
  jti?: string;
  initialData?: Data;
  code?: string;
  returnUrl?: string;
  emailHint?: string;
  invoiceStatus?: 'paid' | 'void';
  branding?: Branding;
}

const REFUSALS: Record<string, Closed> = {
  invalid_code: 'link',
  token_expired: 'expired',
  session_revoked: 'revoked',
  customer_archived: 'archived',
};

export async function open(): Promise<Opened> {
  let answer = await opening;
  const isLink = sid.startsWith('inv_');
  if (answer?.status === 401 && isFirst && !isLink) {
    // A browser that opened this link before has the session's cookie.
    const again = await exchange({ sid });
    if (again?.status === 200) answer = again;
  }
  const body: Body = answer?.body ?? {};
  if (answer?.status === 200 && body.token) {
    // A link to an invoice opens another session each time.
    const [id = sid] = (body.jti ?? '').split('.');
    history.replaceState(history.state, '', `${base}/portal#${id}`);
    return opened(body.token, body.initialData ?? {});
  }
  const known = { branding: body.branding ?? {}, returnUrl: body.returnUrl ?? null, locale: null };
  const { emailHint, invoiceStatus: status } = body;
  const invoice = status ? { status } : isLink ? {} : null;
  return { ...known, invoice, closed: whyClosed(answer, body), ...(emailHint && { emailHint }) };
}

export function whyClosed(answer: Awaited<typeof opening>, { code = '' }: Body): Closed {
  if (answer === undefined) return 'nothing';
  if (answer === null) return 'offline';
  return REFUSALS[code] ?? 'unavailable';
}

function opened(token: string, data: Data): Opened {
  const current = data['/portal-sessions/current'] as CurrentSession | undefined;
  const branding = (data['/branding'] as Branding | undefined) ?? {};
  const { flow = null, returnUrl = null, locale = null, invoiceId } = current?.session ?? {};
  return {
    token,
    data,
    branding,
    invoice: invoiceId ? { id: invoiceId } : null,
    flow,
    returnUrl,
    locale: locale ?? current?.customer?.locale ?? null,
  };
}

/** The `reason` parameter of the link back. */
export type Reason = 'completed' | 'canceled' | 'expired' | 'error';

/** Returns the link back, or null. */
export function backLink(returnUrl: string | null, reason: Reason): string | null {
  if (!returnUrl || !/^https?:/.test(returnUrl)) return null;
  const url = new URL(returnUrl);
  url.searchParams.set('reason', reason);
  return url.href;
}
