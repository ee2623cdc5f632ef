import { useEffect, useState } from 'react';

import { usePlans } from '../hooks/catalog.js';
import { Dialog } from '../ui/elements.js';
import { PlanChangeDialog } from './plan-change-dialog.js';
import { doneText, PricingTable } from './pricing-table.js';
import { useUi } from '../ui/parts.js';

interface PlansDialogProps {
  productId?: string | undefined;
  /** In place of which a plan is chosen. */
  subscriptionId?: string | undefined;
  /** Chosen to begin with. */
  planId?: string | undefined;
  /** With what to tell where a plan was taken. */
  onClose: (done?: string) => void;
}

/** The plans, and over them what a chosen one costs. */
export function PlansDialog({ productId, subscriptionId, planId, onClose }: PlansDialogProps) {
  const ui = useUi();
  const { plans } = usePlans();
  const [chosen, setChosen] = useState<string>();
  // Once the plans are open: of dialogs that open together the inner one would be below.
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
