import { useState, type ComponentType, type ReactNode } from 'react';

import type { SettleOutcome } from '../api-types.js';
import { Button } from '../ui/elements.js';
import { defineComponent, useUi, type StyleProps } from '../ui/parts.js';
import { PlanChangeDialog } from './lazy-forms.js';

/** The props of {@link CheckoutButton}. */
export interface CheckoutButtonProps extends StyleProps {
  planId: string;
  /** The initial quantity of a plan with a price per unit. */
  quantity?: number | undefined;
  /** The subscription to change; without it the button starts a new one. */
  subscriptionId?: string | undefined;
  /** Called when the plan was started or changed. */
  onDone?: ((outcome: SettleOutcome) => void) | undefined;
  /** The label. Default: "Choose a plan". */
  children?: ReactNode;
}

/** A button that opens the confirmation of one plan. */
export const CheckoutButton: ComponentType<CheckoutButtonProps> = /* @__PURE__ */ defineComponent(
  'subscriptions:write',
  function CheckoutButton({ planId, quantity, subscriptionId, onDone, children }) {
    const { t } = useUi();
    const [isOpen, setOpen] = useState(false);
    return (
      <>
        <Button
          kind="primary"
          onClick={() => {
            setOpen(true);
          }}
        >
          {children ?? t('subscription.choose')}
        </Button>
        {isOpen && (
          <PlanChangeDialog
            open
            planId={planId}
            quantity={quantity}
            subscriptionId={subscriptionId}
            onClose={(outcome) => {
              setOpen(false);
              if (outcome) onDone?.(outcome);
            }}
          />
        )}
      </>
    );
  },
);
