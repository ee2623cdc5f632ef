import { useState } from 'react';

import { usePlans } from '../hooks/catalog.js';
import { Dialog } from '../ui/elements.js';
import { useUi } from '../ui/parts.js';
import { PlanChangeStep, useChangeTitle } from './plan-change-dialog.js';
import { doneText, PricingTable } from './pricing-table.js';

interface PlansDialogProps {
  productId?: string | undefined;
  /** The subscription to change. */
  subscriptionId?: string | undefined;
  /** The plan to confirm first. */
  planId?: string | undefined;
  /** Gets a message when a plan was changed or started. */
  onClose: (done?: string) => void;
}

/** The plans, and the confirmation of the chosen one as a second step of the same dialog. */
export function PlansDialog({ productId, subscriptionId, planId, onClose }: PlansDialogProps) {
  const ui = useUi();
  const { plans } = usePlans();
  const [chosen, setChosen] = useState(planId);
  const title = useChangeTitle(chosen ?? '', subscriptionId);
  return (
    <Dialog
      title={chosen ? title : ui.t('plans.title')}
      isWide={!chosen}
      onClose={() => {
        onClose();
      }}
    >
      {/* It stays mounted, so that the chosen interval does. */}
      <div hidden={chosen !== undefined}>
        <PricingTable
          productId={productId}
          onSelect={({ id }) => {
            setChosen(id);
          }}
        />
      </div>
      {chosen ? (
        <PlanChangeStep
          planId={chosen}
          subscriptionId={subscriptionId}
          onClose={(outcome) => {
            setChosen(undefined);
            const name = plans.find(({ id }) => id === chosen)?.name ?? '';
            if (outcome) onClose(doneText(outcome, name, ui));
          }}
        />
      ) : null}
    </Dialog>
  );
}
