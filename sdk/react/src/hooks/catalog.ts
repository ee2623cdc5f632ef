/** What there is to buy, and who sells it. */
import type { Branding, Plan, Pricing, Product } from '../api-types.js';
import type { Page } from '../core/client.js';
import { usePortal } from '../react/context.js';
import { useRead, type Read } from '../react/read.js';
import { isLive, useOwnSubscriptions } from './subscriptions.js';

const ALL = { limit: 100 };

export function usePlans(): Read<{ plans: Plan[] }> {
  const { data, ...state } = useRead<Page<Plan>>('/plans', ALL);
  return { ...state, plans: data?.data ?? [] };
}

export function useProducts(): Read<{ products: Product[] }> {
  const { data, ...state } = useRead<Page<Product>>('/products', ALL);
  return { ...state, products: data?.data ?? [] };
}

export function useBranding(): Read<{ branding: Branding | null }> {
  const { data, ...state } = useRead<Branding>('/branding');
  return { ...state, branding: data ?? null };
}

/**
 * The prices of a product: the one that is named here or in the provider's `config`, that of the
 * active subscription, or the only one there is.
 */
export function usePricing(productId?: string): Read<{ pricing: Pricing | null }> {
  const configured = usePortal().productId;
  const { subscriptions, isLoading: isLooking } = useOwnSubscriptions();
  const { products, isLoading: isListing } = useProducts();
  const active = products.filter(({ status }) => status === 'active');
  const only = active.length === 1 ? active[0]?.id : undefined;
  const named = productId ?? configured ?? subscriptions.find(isLive)?.productId;
  const id = named ?? (isLooking || isListing ? undefined : (only ?? null));
  const { data, ...state } = useRead<Pricing>(id && `/public/pricing/${id}`);
  return { ...state, isLoading: state.isLoading || id === undefined, pricing: data ?? null };
}
