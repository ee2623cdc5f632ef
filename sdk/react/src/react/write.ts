/** Writing hooks: what every one of them does. */
import type { InvalidateQueryFilters } from '@tanstack/react-query';
import { useCallback, useState } from 'react';

import type { SettleOutcome } from '../api-types.js';
import type { UnitPayClient } from '../core/client.js';
import type { ApiError } from '../core/errors.js';
import type { PortalSession } from '../core/session.js';
import { once } from '../core/verbs.js';
import { keyOf, usePortal } from './context.js';

export type Write<V extends string, A extends unknown[], R> = Record<
  V,
  (...input: A) => Promise<R>
> & { isPending: boolean; error: ApiError | null };

type OutcomeOf<K extends SettleOutcome['kind']> = Extract<SettleOutcome, { kind: K }>;

/** What to do with each outcome of a call that may move money. */
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

export type Settle<V extends string, A extends unknown[]> = Write<V, A, SettleOutcome>;

/** Sends one intention; the key makes it happen once. */
type Perform<A extends unknown[], R> = (
  client: UnitPayClient,
  idempotencyKey: string,
  ...input: A
) => Promise<R>;

/**
 * Which paths read what a write changes; these are asked for again. Unless it says so: all that is
 * the customer's, and nothing that the seller alone changes, nor what was used.
 */
export const OWN = /^(?!\/(p[lru]|b|credit-[cp]|usage\/))/;
export const NOTHING = /(?!)/;
/** What is paid with, and what hangs on it. */
export const METHODS = /^\/(customers\/\w+(\/pay.*)?|pay.*|credit-accounts)$/;

/** The queries of a session whose paths are among `changes`. */
export function touched(session: PortalSession | null, changes: RegExp): InvalidateQueryFilters {
  return {
    queryKey: keyOf(session),
    predicate: ({ queryKey }) => changes.test(String(queryKey[3])),
  };
}

interface Outcome {
  /** Whose call it was: another customer does not see it. */
  client: UnitPayClient;
  pending: number;
  error: ApiError | null;
}

export function useWrite<V extends string, A extends unknown[], R>(
  verb: V,
  perform: Perform<A, R>,
  changes = OWN,
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
          void queryClient.invalidateQueries(touched(session, changes));
          note(-1, null);
          return result;
        },
      );
      // Whoever awaits it learns of the failure; whoever does not reads `error`.
      promise.catch((error: unknown) => {
        note(-1, error as ApiError);
      });
      return promise;
    },
    // `perform` and `changes` are the same at each rendering.
    [client, session, queryClient, verb],
  );
  const mine = state?.client === client ? state : null;
  const answer = { isPending: (mine?.pending ?? 0) > 0, error: mine?.error ?? null };
  return { ...answer, [verb]: call } as unknown as Write<V, A, R>;
}

/** A call that may move money, with what to do with each outcome. */
export function useSettle<V extends string, A extends unknown[]>(
  verb: V,
  handlers: SettleHandlers | undefined,
  perform: Perform<A, SettleOutcome>,
  changes?: RegExp,
): Settle<V, A> {
  const write = useWrite<V, A, SettleOutcome>(verb, perform, changes);
  const call = (...input: A): Promise<SettleOutcome> => {
    const promise = write[verb](...input);
    promise.then(
      (outcome) => {
        // The one of its kind takes it.
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
