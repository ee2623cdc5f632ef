/** Where the API is. */
import { isPage } from './page.js';
import type { PortalToken } from './token.js';

/** The addresses of the API and of a proxy. */
export interface Addresses {
  /** The API's address with its `/v1`; by default the one that the token names. */
  apiBaseUrl?: string | undefined;
  /** A route of the page's own origin that stands for the API's `/v1`; it wins. */
  proxyBaseUrl?: string | undefined;
}

/** Null where nothing names it. Throws for a proxy of another origin: the token would leave with it. */
export function resolveBase(addresses: Addresses, token: PortalToken | null): string | null {
  const { proxyBaseUrl, apiBaseUrl } = addresses;
  if (proxyBaseUrl !== undefined) requireSameOrigin('proxyBaseUrl', proxyBaseUrl);
  const given = proxyBaseUrl ?? apiBaseUrl;
  return given === undefined ? token && `${trim(token.iss)}/v1` : trim(given);
}

export function requireSameOrigin(name: string, url: string): void {
  if (isPage && new URL(url, location.href).origin !== location.origin) {
    throw new TypeError(`UnitPay: ${name} has to be of this page's origin.`);
  }
}

function trim(url: string): string {
  return url.replace(/\/+$/, '');
}
