/** Named groups of queries, so that a write can invalidate what it changes. */
import type { InvalidateQueryFilters } from '@tanstack/react-query';

import type { PortalSession } from '../core/session.js';
import { keyOf } from './context.js';

export type Group =
  | 'session'
  | 'customer'
  | 'entitlements'
  | 'subscriptions'
  | 'invoices'
  | 'credits'
  | 'paymentMethods'
  | 'meters'
  | 'usage'
  /** Plans, prices and branding: only the organization changes them. */
  | 'catalog';

/** Everything that a payment or a change of plan can affect. */
export const ACCOUNT: readonly Group[] = [
  'customer',
  'entitlements',
  'subscriptions',
  'invoices',
  'credits',
  'paymentMethods',
  'meters',
];

export const PROFILE: readonly Group[] = ['customer', 'session'];

/** Payment methods and the records that refer to them. */
export const PAYMENT_METHODS: readonly Group[] = ['paymentMethods', 'customer', 'credits'];

/** Matches the queries of a session that belong to `groups`. */
export function queriesIn(
  session: PortalSession | null,
  groups: readonly Group[],
): InvalidateQueryFilters {
  return {
    queryKey: keyOf(session),
    predicate: ({ meta }) => groups.includes(meta?.group as Group),
  };
}
