/** Opens the session of the page, or finds out why there is none. */
import type { Branding, CurrentSession } from '@unitpay/react';

import { base, exchange, isFirst, opening, sid } from './boot.js';

/** The reason for which the page shows no session. */
export type Closed =
  'nothing' | 'link' | 'expired' | 'revoked' | 'archived' | 'signedOut' | 'unavailable' | 'offline';

/** The branding, the locale and the link back. */
export interface Look {
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
interface Body {
  token?: string;
  initialData?: Data;
  code?: string;
  returnUrl?: string;
  emailHint?: string;
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
  if (answer?.status === 401 && isFirst) {
    // A browser that opened this link before has the session's cookie.
    const again = await exchange({ sid });
    if (again?.status === 200) answer = again;
  }
  const body: Body = answer?.body ?? {};
  if (answer?.status === 200 && body.token) {
    history.replaceState(history.state, '', `${base}/portal#${sid}`);
    return opened(body.token, body.initialData ?? {});
  }
  const known = { branding: body.branding ?? {}, returnUrl: body.returnUrl ?? null, locale: null };
  const { emailHint } = body;
  return { ...known, closed: whyClosed(answer, body), ...(emailHint && { emailHint }) };
}

function whyClosed(answer: Awaited<typeof opening>, { code = '' }: Body): Closed {
  if (answer === undefined) return 'nothing';
  if (answer === null) return 'offline';
  return REFUSALS[code] ?? 'unavailable';
}

function opened(token: string, data: Data): Opened {
  const current = data['/portal-sessions/current'] as CurrentSession | undefined;
  const branding = (data['/branding'] as Branding | undefined) ?? {};
  const { flow = null, returnUrl = null, locale = null } = current?.session ?? {};
  return {
    token,
    data,
    branding,
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
