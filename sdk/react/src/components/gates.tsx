/** Gates that show content only with access. They stay closed while loading and on errors. */
import { useEffect, type ReactNode } from 'react';

import type { FeatureType } from '../api-types.js';
import {
  useCustomer,
  useEntitlement,
  type CheckOptions,
  type EntitlementOf,
  type Permission,
} from '../hooks/customer.js';

/** The props of {@link FeatureGate}. */
export interface FeatureGateProps {
  featureSlug: string;
  /** Replaces the children. */
  fallback?: ReactNode;
  /** Called when access is denied. */
  onDenied?: ((reason: NonNullable<Permission['deniedReason']>) => void) | undefined;
  children?: ReactNode;
}

/** Shows its children if the loaded entitlements allow a feature. */
export function FeatureGate({ featureSlug, fallback, onDenied, children }: FeatureGateProps) {
  const { check, isLoading, error } = useCustomer();
  const { allowed, deniedReason = 'not_loaded' } = check(featureSlug);
  const isDenied = !allowed && !isLoading && !error;
  useEffect(() => {
    if (isDenied) onDenied?.(deniedReason);
    // Called once for each denial, even if the page passes a new function.
  }, [isDenied, deniedReason]);
  return allowed && !error ? children : fallback;
}

/** The props of the typed gates. */
export interface GateProps<T> {
  slug: string;
  /** Passed to the children while the real value is unknown. */
  fallback?: T | undefined;
  /** Shown without access. */
  noAccessComponent?: ReactNode;
  loadingComponent?: ReactNode;
  children?: ReactNode | ((value: T) => ReactNode);
}

interface Rules<K extends FeatureType, T> extends CheckOptions {
  type: K;
  read: (entitlement: EntitlementOf<K>) => T;
  isEnough?: (entitlement: EntitlementOf<K>) => boolean;
}

function useGate<K extends FeatureType, T>(
  props: GateProps<T>,
  { type, read, isEnough, ...asked }: Rules<K, T>,
): ReactNode {
  const { slug, fallback, noAccessComponent, loadingComponent, children } = props;
  const { entitlement, isLoading, error } = useEntitlement(slug, asked);
  if (isLoading) return loadingComponent;
  const isOfType = !error && entitlement?.access && entitlement.type === type;
  const found = isOfType ? (entitlement as EntitlementOf<K>) : null;
  if (!found || isEnough?.(found) === false) {
    // With a fallback the children render as if it were the value.
    if (fallback !== undefined && typeof children === 'function') return children(fallback);
    return noAccessComponent;
  }
  return typeof children === 'function' ? children(read(found)) : children;
}

/** Shows its children if the customer has a feature. */
export function BooleanGate(props: GateProps<boolean>): ReactNode {
  return useGate(props, { type: 'boolean', read: () => true });
}

/** Open while the limit is not reached, or where `requestedUsage` more fits in. */
export function MeteredGate(
  props: GateProps<number | null> & { requestedUsage?: number },
): ReactNode {
  const { requestedUsage } = props;
  return useGate(props, {
    type: 'metered',
    requestedUsage,
    read: ({ remaining }) => (remaining === null ? null : Number(remaining)),
    isEnough: ({ remaining }) =>
      remaining === null || requestedUsage !== undefined || Number(remaining) > 0,
  });
}

/** Open while the balance is at least `requiredBalance`, in the smallest unit. */
export function CreditGate(props: GateProps<number> & { requiredBalance?: number }): ReactNode {
  const { requiredBalance = 1 } = props;
  return useGate(props, {
    type: 'credit',
    read: ({ balance }) => balance,
    isEnough: ({ balance }) => balance >= requiredBalance,
  });
}

/** Shows its children with the value of a feature. */
export function ConfigGate(props: GateProps<string | null>): ReactNode {
  return useGate(props, { type: 'config', read: ({ value }) => value });
}

/** Open where all of `requestedValues` are among the customer's. */
export function EnumGate(
  props: GateProps<readonly string[]> & { requestedValues?: readonly string[] },
): ReactNode {
  const { requestedValues } = props;
  return useGate(props, { type: 'enum', requestedValues, read: ({ values }) => values });
}
