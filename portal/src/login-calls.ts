/** The requests of the sign-in page. */
import type { Branding } from '@unitpay/react';

const PATH = /\/portal\/login\/([^/]*)\/?$/;

/** The path of the server's public URL, which the page's own path begins with; often empty. */
export const base = location.pathname.replace(PATH, '');

const [, name = ''] = PATH.exec(location.pathname) ?? [];
const environment = new URLSearchParams(location.search).get('environment') ?? 'live';

/** The answer of a request: its body, or why there is none. */
export type Answer<T> = { body: T } | { code: string; triesLeft: number };

async function call<T>(path: string, body?: object): Promise<Answer<T>> {
  try {
    const answer = await fetch(`${base}/v1/logins${path}`, {
      ...(body && {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
    const read = (await answer.json()) as T & { code?: string; triesLeft?: number };
    if (answer.ok) return { body: read };
    return { code: read.code ?? 'internal', triesLeft: read.triesLeft ?? 0 };
  } catch {
    return { code: navigator.onLine ? 'unavailable' : 'offline', triesLeft: 0 };
  }
}

const where = { organization: decode(name), environment };

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export const getPage = () =>
  call<{ branding: Branding }>(`?${new URLSearchParams(where).toString()}`);

export interface Started {
  id: string;
}

export const start = (email: string) => call<Started>('', { ...where, email });

export interface Customer {
  id: string;
  name: string;
}

export const enter = (id: string, proof: { code: string } | { customerId: string }) =>
  call<{ sessionId: string | null; customers: Customer[] }>('/enter', { id, ...proof });
