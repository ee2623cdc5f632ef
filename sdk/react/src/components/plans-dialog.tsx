import { useEffect, useState } from 'react';

import { usePlans } from '../hooks/catalog.js';
import { Dialog } from '../ui/elements.js';
import { PlanChangeDialog } from './plan-change-dialog.js';
import { doneText, PricingTable } from './pricing-table.js';
import { useUi } from '../ui/parts.js';

interface PlansDialogProps {
  productId?: string | undefined;
  /** The subscription to change. */
  subscriptionId?: string | undefined;
  /** The plan to confirm first. */
  planId?: string | undefined;
  /** Gets a message when a plan was changed or started. */
  onClose: (done?: string) => void;
}

/** The plans, and the confirmation of the chosen one. */
export function PlansDialog({ productId, subscriptionId, planId, onClose }: PlansDialogProps) {
  const ui = useUi();
  const { plans } = usePlans();
  const [chosen, setChosen] = useState<string>();
  // After the first render, because of two dialogs that open together the inner one is below.
  useEffect(() => {
    setChosen(planId);
  }, [planId]);
  return (
    <Dialog title={ui.t('plans.title')} isWide onClose={onClose}>
      <PricingTable
        productId={productId}
        onSelect={({ id }) => {
          setChosen(id);
        }}
      />
      {chosen ? (
        <PlanChangeDialog
          open
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
