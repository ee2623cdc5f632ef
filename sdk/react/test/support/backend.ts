/** The integrator's server: it mints and revokes, by the API and with a secret key. */
import { inject } from 'vitest';

export interface Minted {
  token: string;
  expiresAt: string;
  jti: string;
  customerId: string;
}

export async function call<T>(path: string, body: object, method = 'POST'): Promise<T> {
  const response = await fetch(inject('baseUrl') + path, {
    method,
    headers: { 'content-type': 'application/json', 'x-api-key': inject('apiKey') },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

export async function ask<T>(path: string): Promise<T> {
  const headers = { 'x-api-key': inject('apiKey') };
  return (await fetch(inject('baseUrl') + path, { headers })).json() as Promise<T>;
}

export async function newCustomer(name = 'Ada'): Promise<string> {
  const { id } = await call<{ id: string }>('/customers', { name, email: 'ada@example.com' });
  return id;
}

export function mintFor(customerId: string, settings: object = {}): Promise<Minted> {
  return call('/portal-sessions', { customerId, ...settings });
}

/** A session of a new customer. */
export async function mint(settings: object = {}): Promise<Minted> {
  return mintFor(await newCustomer(), settings);
}

export function revoke(jti: string): Promise<void> {
  return call('/portal-sessions/revoke', { jti });
}

/** Reads the initial data that a rendering server passes to the provider. */
export async function firstData(token: string): Promise<Record<string, unknown>> {
  const response = await fetch(`${inject('baseUrl')}/portal-sessions/current?include=initialData`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const { initialData } = (await response.json()) as { initialData: Record<string, unknown> };
  return initialData;
}
