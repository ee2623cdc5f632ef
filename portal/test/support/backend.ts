/** The integrator's server: it mints links, revokes them, and sets how the page looks. */
import { inject } from 'vitest';

export interface Minted {
  url: string;
  jti: string;
  token: string;
  expiresAt: string;
  customerId: string;
}

export async function call<T>(method: string, path: string, body?: object): Promise<T> {
  const response = await fetch(`${inject('origin')}/v1${path}`, {
    method,
    headers: { 'content-type': 'application/json', 'x-api-key': inject('apiKey') },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

/** A link for a customer of the demo's. */
export function mint(settings: object = {}): Promise<Minted> {
  return call('POST', '/portal-sessions', { customerId: 'cus_123', ...settings });
}

export function revoke(jti: string): Promise<void> {
  return call('POST', '/portal-sessions/revoke', { jti });
}

/** Where the tests' links lead back to. */
export const APP = 'https://app.example.com';

const NIMBUS = {
  name: 'Nimbus',
  accentColor: '#3b5bdb',
  supportEmail: 'billing@nimbus.example',
  portalOrigins: [APP],
  legalName: 'Nimbus Cloud GmbH',
  address: { line1: 'Torstraße 1', city: 'Berlin', postalCode: '10119', country: 'DE' },
};

/** Replaces the whole branding. */
export function brand(changes: object = {}): Promise<unknown> {
  return call('PUT', '/branding', { ...NIMBUS, ...changes });
}
