import type { Scope } from '../api-types.js';
import type { UnitPayClient } from '../core/client.js';
import type { SessionState } from '../core/session.js';
import { usePortal } from './context.js';

/** The result of {@link usePortalSession}. */
export interface PortalSessionInfo {
  state: SessionState;
  customerId: string | null;
  scopes: readonly Scope[];
  can: (scope: Scope) => boolean;
  /** When the newest token ends; it is refreshed before. */
  expiresAt: Date | null;
  /** Ends the session in every tab. Rejects, and ends nothing, where the server cannot be reached. */
  signOut: () => Promise<void>;
}

/** The session itself: whose it is, what it may do, how it stands. */
export function usePortalSession(): PortalSessionInfo {
  const { session } = usePortal();
  return {
    state: session?.state ?? 'pending',
    customerId: session?.customerId ?? null,
    scopes: session?.scopes ?? [],
    can: (scope) => session?.can(scope) ?? false,
    expiresAt: session?.expiresAt ?? null,
    signOut: async () => session?.signOut(),
  };
}

/** Whether there is a session that may. */
export function useCan(scope: Scope): boolean {
  return usePortal().session?.can(scope) ?? false;
}

/** The client that speaks for the session, for what no hook does. */
export function useBilling(): UnitPayClient {
  return usePortal().client;
}
