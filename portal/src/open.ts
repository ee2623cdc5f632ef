/** What the page opens with: a session and its first data, or why there is none. */
import type { Branding, CurrentSession } from '@unitpay/react';

import { exchange, isFirst, opening, sid } from './boot.js';

/** Why the page shows no bill. */
export type Closed =
  'nothing' | 'link' | 'expired' | 'revoked' | 'archived' | 'signedOut' | 'unavailable' | 'offline';

/** How the page looks, and where it leads back to. */
export interface Look {
  branding: Partial<Branding>;
  returnUrl: string | null;
  locale: string | null;
}

export type Opened = Look &
  ({ closed: Closed } | { token: string; data: Data; flow: CurrentSession['session']['flow'] });

type Data = Readonly<Record<string, unknown>>;

/** As the server writes it: a session's exchange, or the problem in its place. */
interface Body {
  token?: string;
  initialData?: Data;
  code?: string;
  returnUrl?: string;
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
    // Whoever opens a link again, where it was opened before, has its cookie.
    const again = await exchange({ sid });
    if (again?.status === 200) answer = again;
  }
  const body: Body = answer?.body ?? {};
  if (answer?.status === 200 && body.token) {
    history.replaceState(history.state, '', `/portal#${sid}`);
    return opened(body.token, body.initialData ?? {});
  }
  const known = { branding: body.branding ?? {}, returnUrl: body.returnUrl ?? null, locale: null };
  return { ...known, closed: whyClosed(answer, body) };
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

/** Why the page is left, told to the page that it leads back to. */
export type Reason = 'completed' | 'canceled' | 'expired' | 'error';

/** Null where there is no way back. */
export function wayBack(returnUrl: string | null, reason: Reason): string | null {
  if (!returnUrl || !/^https?:/.test(returnUrl)) return null;
  const url = new URL(returnUrl);
  url.searchParams.set('reason', reason);
  return url.href;
}
