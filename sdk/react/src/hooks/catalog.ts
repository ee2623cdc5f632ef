/** What there is to buy, and who sells it. */
import type { Branding, Plan, Pricing, Product } from '../api-types.js';
import { usePortal } from '../react/context.js';
import { useAll, useOne, useRead, type Read } from '../react/read.js';
import { isLive, useOwnSubscriptions } from './subscriptions.js';

export function usePlans(): Read<{ plans: Plan[] }> {
  return useAll('plans', '/plans');
}

export function useProducts(): Read<{ products: Product[] }> {
  return useAll('products', '/products');
}

export function useBranding(): Read<{ branding: Branding | null }> {
  return useOne('branding', '/branding');
}

/**
 * The prices of a product: the one that is named here or in the provider's `config`, that of the
 * active subscription, or the seller's first.
 */
export function usePricing(productId?: string): Read<{ pricing: Pricing | null }> {
  const configured = usePortal().productId;
  const { subscriptions, isLoading: isLooking } = useOwnSubscriptions();
  const { products, isLoading: isListing } = useProducts();
  // The newest comes first.
  const first = products.at(-1)?.id;
  const named = productId ?? configured ?? subscriptions.find(isLive)?.productId;
  const id = named ?? (isLooking || isListing ? undefined : (first ?? null));
  const { data, ...state } = useRead<Pricing>(id && `/public/pricing/${id}`);
  return { ...state, isLoading: state.isLoading || id === undefined, pricing: data ?? null };
}
