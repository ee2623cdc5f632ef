/** Hooks for the customer and its entitlements. */
import type { Schemas } from '@unitpay/wire';
import { useCallback } from 'react';

import type {
  CheckResult,
  Customer,
  Entitlement,
  FeatureType,
  FormClient,
  SettleOutcome,
  UpdateCustomer,
} from '../api-types.js';

import type { UnitPayClient } from '../core/client.js';
import { usePortal } from '../react/context.js';
import { useAsk, useIfAllowed, useOne, useRead, type Id, type Read } from '../react/read.js';
import { PROFILE } from '../react/groups.js';
import { useWrite } from '../react/write.js';

/** The answer of `check`. */
export interface Permission {
  allowed: boolean;
  deniedReason?: 'not_loaded' | 'no_entitlement' | 'usage_exceeded' | 'credit_exhausted';
}

/** The result of {@link useCustomer}. */
export interface CustomerState {
  customer: Customer | null;
  entitlements: Entitlement[];
  /** Checks the loaded entitlements without a request. The server has the last word. */
  check: (slug: string, options?: { requiredBalance?: number | undefined }) => Permission;
  update: (changes: UpdateCustomer) => Promise<Customer>;
  /** Prepares the processor's form for a new payment method. */
  setupPayment: () => Promise<FormClient>;
  payInvoice: (
    id: string,
    options?: { paymentMethodId?: string | undefined },
  ) => Promise<SettleOutcome>;
  isUpdating: boolean;
}

/** Returns a path below `/customers/{id}` of the session's customer. */
export function useCustomerPath(rest = ''): string {
  return `/customers/${usePortal().session?.customerId ?? ''}${rest}`;
}

/** Returns the customer, the entitlements, and the calls that concern the customer. */
export function useCustomer(): Read<CustomerState> {
  const profile = useProfile();
  const { entitlements, ...listed } = useEntitlements();
  const both = [profile.refetch, listed.refetch];
  const refetch = useCallback(async () => {
    await Promise.all(both.map((one) => one()));
  }, both);
  const { setupPayment } = useSetupPayment();
  const { payInvoice } = useWrite('payInvoice', sendPayment);
  return {
    ...profile,
    isLoading: profile.isLoading || listed.isLoading,
    isFetching: profile.isFetching || listed.isFetching,
    error: profile.error ?? listed.error,
    refetch,
    entitlements: entitlements ?? [],
    check: (slug, options) => permissionOf(entitlements, slug, options),
    setupPayment,
    payInvoice,
  };
}

/** Returns the customer, or null when the session lacks the scope. */
export function useAllowedProfile(): Read<{ customer: Customer | null }> {
  const path = useIfAllowed('customer:read', useCustomerPath());
  return useOne('customer', 'customer', path);
}

/** Returns whether the customer can pay in a currency. The first payment fixes the currency. */
export function useIsPaidIn(): (currency: string) => boolean {
  const currency = useAllowedProfile().customer?.currency ?? null;
  return (one) => currency === null || one === currency;
}

/** Returns the customer without its entitlements. */
export function useProfile(): Read<Pick<CustomerState, 'customer' | 'update' | 'isUpdating'>> {
  const path = useCustomerPath();
  const read = useOne<'customer', Customer>('customer', 'customer', path);
  const { update, isPending } = useWrite(
    'update',
    (client, idempotencyKey, changes: UpdateCustomer) =>
      client.patch<Customer>(path, changes, { idempotencyKey }),
    PROFILE,
  );
  return { ...read, update, isUpdating: isPending };
}

export function useSetupPayment() {
  const path = useCustomerPath('/payment-methods/setup');
  return useWrite(
    'setupPayment',
    (client, idempotencyKey) => client.post<FormClient>(path, undefined, { idempotencyKey }),
    [],
  );
}

export function sendPayment(
  client: UnitPayClient,
  idempotencyKey: string,
  id: string,
  options: { paymentMethodId?: string | undefined } = {},
) {
  return client.post<SettleOutcome>(`/invoices/${id}/pay`, options, { idempotencyKey });
}

function useEntitlements() {
  return useEntitlementsAt(useCustomerPath('/entitlements'));
}

/** Returns the entitlements, or none when the session lacks the scope. */
export function useAllowedEntitlements() {
  return useEntitlementsAt(useIfAllowed('customer:read', useCustomerPath('/entitlements')));
}

function useEntitlementsAt(path: Id) {
  const { data, ...state } = useRead<{ data: Schemas['CustomerEntitlement'][] }>(
    'entitlements',
    path,
  );
  // The list omits `access` when it is true.
  const entitlements = data?.data.map((one): Entitlement => ({ access: true, ...one }));
  return { ...state, entitlements };
}

function permissionOf(
  entitlements: Entitlement[] | undefined,
  slug: string,
  { requiredBalance = 1 }: { requiredBalance?: number | undefined } = {},
): Permission {
  if (!entitlements) return { allowed: false, deniedReason: 'not_loaded' };
  const found = entitlements.find((one) => one.slug === slug);
  if (!found?.access) return { allowed: false, deniedReason: 'no_entitlement' };
  if (found.type === 'metered' && found.remaining !== null && Number(found.remaining) <= 0) {
    return { allowed: false, deniedReason: 'usage_exceeded' };
  }
  if (found.type === 'credit' && found.balance < requiredBalance) {
    return { allowed: false, deniedReason: 'credit_exhausted' };
  }
  return { allowed: true };
}

/** The options of {@link useEntitlement}. */
export interface CheckOptions {
  requestedUsage?: number | undefined;
  requestedValues?: readonly string[] | undefined;
  /** Asks the server even without `requestedUsage` and `requestedValues`. */
  fresh?: boolean | undefined;
}

/** Returns one entitlement, or null. With a requested amount, `access` is the server's answer. */
export function useEntitlement(
  slug: string,
  { requestedUsage, requestedValues, fresh = false }: CheckOptions = {},
): Read<{ entitlement: Entitlement | null }> {
  const { entitlements, ...listed } = useEntitlements();
  const isAsked = fresh || requestedUsage !== undefined || requestedValues !== undefined;
  const path = useCustomerPath('/check');
  const body = { featureSlug: slug, requestedUsage, requestedValues };
  const { data: answer, ...asked } = useAsk<CheckResult>(
    'entitlements',
    isAsked ? path : null,
    body,
  );
  const found = entitlements?.find((one) => one.slug === slug) ?? null;
  if (!isAsked) return { ...listed, entitlement: found };
  return {
    ...asked,
    isLoading: listed.isLoading || asked.isLoading,
    error: listed.error ?? asked.error,
    entitlement: answer && found ? { ...found, access: answer.access } : null,
  };
}

/** An entitlement of one feature type. */
export type EntitlementOf<K extends FeatureType> = Extract<Entitlement, { type: K }>;

export type Typed<T> = Read<{ value: T; isFallback: boolean }>;
interface FallbackOption<T> {
  fallback?: T | undefined;
}

/** The limit and usage of a metered feature. */
export interface MeteredValue {
  /** Null means unlimited. */
  limit: number | null;
  usage: number;
  remaining: number | null;
}

function useTyped<K extends FeatureType, T>(
  slug: string,
  type: K,
  fallback: T,
  read: (entitlement: EntitlementOf<K>) => T,
): Typed<T> {
  const { entitlement, ...state } = useEntitlement(slug);
  const isFallback = !entitlement?.access || entitlement.type !== type;
  const value = isFallback ? fallback : read(entitlement as EntitlementOf<K>);
  return { ...state, isFallback, value };
}

/** Returns whether the customer has a feature. */
export function useBooleanEntitlement(
  slug: string,
  { fallback = false }: FallbackOption<boolean> = {},
) {
  return useTyped(slug, 'boolean', fallback, () => true);
}

const noUsage: MeteredValue = { limit: 0, usage: 0, remaining: 0 };

/** Returns the limit, the usage and the rest of a metered feature. */
export function useMeteredEntitlement(
  slug: string,
  { fallback = noUsage }: FallbackOption<MeteredValue> = {},
): Typed<MeteredValue> {
  return useTyped(slug, 'metered', fallback, ({ limit, usage, remaining }) => ({
    limit,
    usage: Number(usage),
    remaining: remaining === null ? null : Number(remaining),
  }));
}

/** Returns the balance in the credit currency's smallest unit. */
export function useCreditEntitlement(slug: string, { fallback = 0 }: FallbackOption<number> = {}) {
  return useTyped(slug, 'credit', fallback, ({ balance }) => balance);
}

/** Returns the value of a feature that configures something. */
export function useConfigEntitlement(
  slug: string,
  { fallback = null }: FallbackOption<string | null> = {},
) {
  return useTyped<'config', string | null>(slug, 'config', fallback, ({ value }) => value);
}

const noValues: readonly string[] = [];

/** Returns the values that a feature gives. */
export function useEnumEntitlement(
  slug: string,
  { fallback = noValues }: FallbackOption<readonly string[]> = {},
) {
  return useTyped<'enum', readonly string[]>(slug, 'enum', fallback, ({ values }) => values);
}
