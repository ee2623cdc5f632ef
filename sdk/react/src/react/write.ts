/** The shared parts of the hooks that write. */
import { useCallback, useState } from 'react';

import type { SettleOutcome } from '../api-types.js';
import type { UnitPayClient } from '../core/client.js';
import type { ApiError } from '../core/errors.js';
import { once } from '../core/verbs.js';
import { usePortal } from './context.js';
import { ACCOUNT, queriesIn } from './groups.js';

/** The result of a hook that writes: the call, named by its verb, and its state. */
export type Write<V extends string, A extends unknown[], R> = Record<
  V,
  (...input: A) => Promise<R>
> & { isPending: boolean; error: ApiError | null };

type OutcomeOf<K extends SettleOutcome['kind']> = Extract<SettleOutcome, { kind: K }>;

/** Callbacks for each outcome of a call that may move money. */
export interface SettleHandlers {
  onChargedInline?: (outcome: OutcomeOf<'charged_inline'>) => void;
  onRequiresForm?: (outcome: OutcomeOf<'requires_form'>) => void;
  onInvoiceSent?: (outcome: OutcomeOf<'invoice_sent'>) => void;
  onInvoiceAdded?: (outcome: OutcomeOf<'invoice_added'>) => void;
  onDeferred?: (outcome: OutcomeOf<'deferred'>) => void;
  onCreated?: (outcome: OutcomeOf<'created_no_charge'>) => void;
  onNoAction?: (outcome: OutcomeOf<'no_action'>) => void;
  onError?: (error: ApiError) => void;
}

/** The result of a hook whose call may move money. */
export type Settle<V extends string, A extends unknown[]> = Write<V, A, SettleOutcome>;

/** Sends one request. Retries of the same intention carry the same idempotency key. */
type Perform<A extends unknown[], R> = (
  client: UnitPayClient,
  idempotencyKey: string,
  ...input: A
) => Promise<R>;

interface Outcome {
  /** The client that made the call, so that another customer never sees its outcome. */
  client: UnitPayClient;
  pending: number;
  error: ApiError | null;
}

/** Runs a write and invalidates the groups of queries that it changes. */
export function useWrite<V extends string, A extends unknown[], R>(
  verb: V,
  perform: Perform<A, R>,
  changes = ACCOUNT,
): Write<V, A, R> {
  const { client, session, queryClient } = usePortal();
  const [state, setState] = useState<Outcome | null>(null);
  const call = useCallback(
    (...input: A): Promise<R> => {
      const note = (change: number, error: ApiError | null) => {
        setState((former) => {
          const pending = former?.client === client ? former.pending : 0;
          return { client, pending: pending + change, error };
        });
      };
      note(1, null);
      const promise = once(client, verb, input, (key) => perform(client, key, ...input)).then(
        (result) => {
          void queryClient.invalidateQueries(queriesIn(session, changes));
          note(-1, null);
          return result;
        },
      );
      // The caller may ignore the promise, since `error` has the failure too.
      promise.catch((error: unknown) => {
        note(-1, error as ApiError);
      });
      return promise;
    },
    // `perform` and `changes` do not change between renders.
    [client, session, queryClient, verb],
  );
  const mine = state?.client === client ? state : null;
  const status = { isPending: (mine?.pending ?? 0) > 0, error: mine?.error ?? null };
  return { ...status, [verb]: call } as unknown as Write<V, A, R>;
}

/** Runs a write that may move money and calls the handler of its outcome. */
export function useSettle<V extends string, A extends unknown[]>(
  verb: V,
  handlers: SettleHandlers | undefined,
  perform: Perform<A, SettleOutcome>,
): Settle<V, A> {
  const write = useWrite<V, A, SettleOutcome>(verb, perform);
  const call = (...input: A): Promise<SettleOutcome> => {
    const promise = write[verb](...input);
    promise.then(
      (outcome) => {
        const handler = handlers?.[HANDLERS[outcome.kind]] as
          ((given: SettleOutcome) => void) | undefined;
        handler?.(outcome);
      },
      (error: unknown) => handlers?.onError?.(error as ApiError),
    );
    return promise;
  };
  return { ...write, [verb]: call };
}

const HANDLERS = {
  charged_inline: 'onChargedInline',
  requires_form: 'onRequiresForm',
  invoice_sent: 'onInvoiceSent',
  invoice_added: 'onInvoiceAdded',
  deferred: 'onDeferred',
  created_no_charge: 'onCreated',
  no_action: 'onNoAction',
} as const satisfies Record<SettleOutcome['kind'], keyof SettleHandlers>;
