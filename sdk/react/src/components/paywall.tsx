import type { ComponentType } from 'react';

import { usePricing } from '../hooks/catalog.js';
import { isLive, useAllowedSubscriptions } from '../hooks/subscriptions.js';
import { defineComponent, type StyleProps } from '../ui/parts.js';
import { PlansDialog } from './lazy-forms.js';

/** The props of {@link Paywall}. */
export interface PaywallProps extends StyleProps {
  /** The feature that the customer lacks. */
  featureSlug: string;
  /** Default: as for `PricingTable`. */
  productId?: string | undefined;
  open: boolean;
  /** Gets true if a plan was changed or started. Gates open without it. */
  onClose: (isDone: boolean) => void;
}

/** A dialog with the plans that include a feature. The chosen one is confirmed in the same dialog. */
export const Paywall: ComponentType<PaywallProps> = /* @__PURE__ */ defineComponent(
  'subscriptions:write',
  function Paywall({ featureSlug, productId, open, onClose }) {
    const { pricing } = usePricing(productId);
    const { subscriptions } = useAllowedSubscriptions();
    const id = pricing?.product.id;
    const current = subscriptions.find((one) => isLive(one) && one.productId === id);
    if (!open) return null;
    return (
      <PlansDialog
        featureSlug={featureSlug}
        productId={id}
        subscriptionId={current?.status === 'pending' ? undefined : current?.id}
        onClose={(done) => {
          onClose(done !== undefined);
        }}
      />
    );
  },
);
