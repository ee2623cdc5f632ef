/** Plans that a customer has, and how to change them. */
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

export function useSubscriptions(): Read<{ subscriptions: Subscription[] }> {
  return useAll('subscriptions', '/subscriptions');
}

/** The same where the session may read them; else none, and nothing is asked for. */
export function useOwnSubscriptions(): Read<{ subscriptions: Subscription[] }> {
  return useAll('subscriptions', useIfAllowed('subscriptions:read', '/subscriptions'));
}

export function useSubscription(id: Id): Read<{ subscription: Subscription | null }> {
  return useOne('subscription', id && `/subscriptions/${id}`);
}

/** The live subscriptions, of these plans where they are named; and the newest of them. */
export function useActiveSubscription(
  planIds?: readonly string[],
): Read<{ subscription: Subscription | null; subscriptions: Subscription[] }> {
  const { subscriptions, ...state } = useSubscriptions();
  const live = subscriptions.filter(
    (one) => isLive(one) && (!planIds || planIds.includes(one.planId)),
  );
  return { ...state, subscription: live[0] ?? null, subscriptions: live };
}

/** Null where none is to come. */
export function useUpcomingInvoice(id?: Id): Read<{ invoice: UpcomingInvoice | null }> {
  const { data, ...state } = useRead<{ invoice: UpcomingInvoice | null }>(
    id && `/subscriptions/${id}/upcoming-invoice`,
  );
  return { ...state, invoice: data?.invoice ?? null };
}

export interface NewSubscription {
  planId: string;
  quantity?: number | undefined;
}

export interface PlanChange extends NewSubscription {
  subscriptionId: string;
  /** What the preview told, so that what was shown is what is paid. */
  prorationDate?: string | undefined;
}

export function useCreateSubscription(handlers?: SettleHandlers) {
  const customerId = usePortal().session?.customerId;
  return useSettle(
    'createSubscription',
    handlers,
    (client, idempotencyKey, input: NewSubscription) =>
      client.post<SettleOutcome>('/subscriptions', { customerId, ...input }, { idempotencyKey }),
  );
}

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

/** What a plan would cost: in place of a subscription's, or as a new one. */
export function usePlanPreview(
  wanted: (NewSubscription & { subscriptionId?: string | undefined }) | null,
): Read<{ preview: PlanPreview | null }> {
  const customerId = usePortal().session?.customerId ?? undefined;
  const { subscriptionId, ...plan } = wanted ?? { planId: '' };
  const { data: preview = null, ...state } = useAsk<PlanPreview>(
    wanted &&
      (subscriptionId
        ? `/subscriptions/${subscriptionId}/preview-change`
        : '/subscriptions/preview'),
    subscriptionId ? plan : { customerId, ...plan },
  );
  return { ...state, preview };
}

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

export function useUncancelSubscription() {
  return useWrite('uncancelSubscription', (client, idempotencyKey, id: string) =>
    client.post<Subscription>(`/subscriptions/${id}/uncancel`, undefined, { idempotencyKey }),
  );
}
