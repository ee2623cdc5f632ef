/** Hooks for plans, products, prices and branding. */
import type { Branding, Plan, Pricing, Product } from '../api-types.js';
import { usePortal } from '../react/context.js';
import { useAll, useOne, useRead, type Read } from '../react/read.js';
import { isLive, useAllowedSubscriptions } from './subscriptions.js';

/** Returns the plans that customers can choose. */
export function usePlans(): Read<{ plans: Plan[] }> {
  return useAll('plans', 'catalog', '/plans');
}

/** Returns the products of the organization. */
export function useProducts(): Read<{ products: Product[] }> {
  return useAll('products', 'catalog', '/products');
}

/** Returns the look of the organization. */
export function useBranding(): Read<{ branding: Branding | null }> {
  return useOne('branding', 'catalog', '/branding');
}

/**
 * Returns the prices of a product. Without `productId` it is the one in the provider's `config`, else
 * the active subscription's product, else the organization's first.
 */
export function usePricing(productId?: string): Read<{ pricing: Pricing | null }> {
  const configured = usePortal().productId;
  const { subscriptions, isLoading: isLooking } = useAllowedSubscriptions();
  const { products, isLoading: isListing } = useProducts();
  // The list starts with the newest.
  const first = products.at(-1)?.id;
  const named = productId ?? configured ?? subscriptions.find(isLive)?.productId;
  const id = named ?? (isLooking || isListing ? undefined : (first ?? null));
  const { data, ...state } = useRead<Pricing>('catalog', id && `/public/pricing/${id}`);
  return { ...state, isLoading: state.isLoading || id === undefined, pricing: data ?? null };
}
