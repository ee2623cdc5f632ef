/** Hooks for subscriptions and changes of plan. */
import type { PlanPreview, SettleOutcome, Subscription, UpcomingInvoice } from '../api-types.js';
import { usePortal } from '../react/context.js';
import {
  useAll,
  useAsk,
  useIfAllowed,
  useOne,
  useRead,
  type Id,
  type Read,
} from '../react/read.js';
import { useSettle, useWrite, type SettleHandlers } from '../react/write.js';

export function isLive({ status }: Subscription): boolean {
  return status !== 'canceled';
}

/** Returns all subscriptions of the customer, also those that have ended. */
export function useSubscriptions(): Read<{ subscriptions: Subscription[] }> {
  return useAll('subscriptions', 'subscriptions', '/subscriptions');
}

/** Returns the subscriptions, or none when the session lacks the scope. */
export function useAllowedSubscriptions(): Read<{ subscriptions: Subscription[] }> {
  const path = useIfAllowed('subscriptions:read', '/subscriptions');
  return useAll('subscriptions', 'subscriptions', path);
}

/** Returns one subscription. */
export function useSubscription(id: Id): Read<{ subscription: Subscription | null }> {
  return useOne('subscription', 'subscriptions', id && `/subscriptions/${id}`);
}

/** Returns the live subscriptions, optionally only those of `planIds`, and the newest of them. */
export function useActiveSubscription(
  planIds?: readonly string[],
): Read<{ subscription: Subscription | null; subscriptions: Subscription[] }> {
  const { subscriptions, ...state } = useSubscriptions();
  const live = subscriptions.filter(
    (one) => isLive(one) && (!planIds || planIds.includes(one.planId)),
  );
  return { ...state, subscription: live[0] ?? null, subscriptions: live };
}

/** Returns the next invoice of a subscription; null when none is due. */
export function useUpcomingInvoice(id?: Id): Read<{ invoice: UpcomingInvoice | null }> {
  const { data, ...state } = useRead<{ invoice: UpcomingInvoice | null }>(
    'subscriptions',
    id && `/subscriptions/${id}/upcoming-invoice`,
  );
  return { ...state, invoice: data?.invoice ?? null };
}

/** The plan and the quantity of a new subscription. */
export interface NewSubscription {
  planId: string;
  quantity?: number | undefined;
  /** The promotion code of a coupon to redeem. */
  promotionCode?: string | undefined;
}

/** The new plan and quantity of a subscription. */
export interface PlanChange extends NewSubscription {
  subscriptionId: string;
  /** The `prorationDate` of the preview, so that the customer pays the amount that was shown. */
  prorationDate?: string | undefined;
}

/** Returns a call that starts a subscription. */
export function useCreateSubscription(handlers?: SettleHandlers) {
  const customerId = usePortal().session?.customerId;
  return useSettle(
    'createSubscription',
    handlers,
    (client, idempotencyKey, input: NewSubscription) =>
      client.post<SettleOutcome>('/subscriptions', { customerId, ...input }, { idempotencyKey }),
  );
}

/** Returns a call that changes the plan or the quantity of a subscription. */
export function useChangePlan(handlers?: SettleHandlers) {
  return useSettle(
    'changePlan',
    handlers,
    (client, idempotencyKey, { subscriptionId, ...change }: PlanChange) =>
      client.post<SettleOutcome>(`/subscriptions/${subscriptionId}/change-plan`, change, {
        idempotencyKey,
      }),
  );
}

/** Returns the price of a change to a plan, or of a new subscription. Null: idle. */
export function usePlanPreview(
  wanted: (NewSubscription & { subscriptionId?: string | undefined }) | null,
): Read<{ preview: PlanPreview | null }> {
  const customerId = usePortal().session?.customerId ?? undefined;
  const { subscriptionId, ...plan } = wanted ?? { planId: '' };
  const { data: preview = null, ...state } = useAsk<PlanPreview>(
    'subscriptions',
    wanted &&
      (subscriptionId
        ? `/subscriptions/${subscriptionId}/preview-change`
        : '/subscriptions/preview'),
    subscriptionId ? plan : { customerId, ...plan },
  );
  return { ...state, preview };
}

/** Returns a call that cancels a subscription, by default at the end of the period. */
export function useCancelSubscription() {
  return useWrite(
    'cancelSubscription',
    (
      client,
      idempotencyKey,
      id: string,
      {
        mode = 'period_end',
        reason,
      }: { mode?: 'period_end' | 'now'; reason?: string | undefined } = {},
    ) =>
      client.post<Subscription>(
        `/subscriptions/${id}/cancel`,
        { mode, reason },
        { idempotencyKey },
      ),
  );
}

/** Returns a call that takes a cancellation back. */
export function useUncancelSubscription() {
  return useWrite('uncancelSubscription', (client, idempotencyKey, id: string) =>
    client.post<Subscription>(`/subscriptions/${id}/uncancel`, undefined, { idempotencyKey }),
  );
}
