/**
 * An integrator's program, which only has to compile: with Node's types and no browser's, and with
 * the strictest treatment of optional properties.
 */
import { ApiError, UnitPay, type ErrorCode, type Page, type PortalSession } from '@unitpay/node';

export async function guide(customerId: string): Promise<{ token: string; expiresAt: string }> {
  const unitpay = new UnitPay({ apiKey: process.env.UNITPAY_API_KEY });
  const session = await unitpay.portalSessions.create({ customerId, ttlSeconds: 3600 });
  await unitpay.portalSessions.revoke({ customerId: 'cus_123' });
  await unitpay.portalSessions.revoke({ jti: session.jti }, { retries: 0 });
  const list: Promise<Page<PortalSession>> = unitpay.portalSessions.list();
  const introspection = await unitpay.portalSessions.introspect(session.token);
  console.log((await list).data.length, introspection.active && introspection.sub);
  return { token: session.token, expiresAt: session.expiresAt };
}

/** `undefined` stands for what is left out; `null` is for clearing alone. */
export async function optional(unitpay: UnitPay, externalId: string | undefined): Promise<void> {
  await unitpay.portalSessions.create({ customerId: 'cus_123', ttlSeconds: undefined });
  await unitpay.customers.create({ name: 'Ada', email: 'ada@example.com', externalId });
  await unitpay.customers.update('cus_123', { externalId: null, metadata: null });
  // @ts-expect-error -- a customer always has a name
  await unitpay.customers.update('cus_123', { name: null });
  // @ts-expect-error -- there is no such parameter
  await unitpay.portalSessions.create({ customerId: 'cus_123', ttl: 60 });
  const { externalId: id, metadata } = await unitpay.customers.get('cus_123');
  console.log(id === null, Object.keys(metadata));
}

export function isGone(error: unknown): boolean {
  const codes: (ErrorCode | undefined)[] = ['customer_not_found', 'customer_archived'];
  return error instanceof ApiError && codes.includes(error.code);
}

export const withOptions = new UnitPay({
  apiKey: undefined,
  baseUrl: undefined,
  timeout: undefined,
  fetch,
});
