import { useState } from 'react';

import { usePlans, usePricing } from '../hooks/catalog.js';
import { Dialog } from '../ui/elements.js';
import { useUi } from '../ui/parts.js';
import { PlanChangeStep, useChangeTitle } from './plan-change-dialog.js';
import { doneText, PricingTable } from './pricing-table.js';

interface PlansDialogProps {
  productId?: string | undefined;
  /** Shows only plans that include this feature. */
  featureSlug?: string | undefined;
  /** The subscription to change. */
  subscriptionId?: string | undefined;
  /** The plan to confirm first. */
  planId?: string | undefined;
  /** Gets a message when a plan was changed or started. */
  onClose: (done?: string) => void;
}

/** The plans, and the confirmation of the chosen one as a second step of the same dialog. */
export function PlansDialog(props: PlansDialogProps) {
  const { productId, featureSlug, subscriptionId, planId, onClose } = props;
  const ui = useUi();
  const { pricing } = usePricing(productId);
  const feature = pricing?.featureRows.find((row) => row.feature.slug === featureSlug)?.feature;
  const { plans } = usePlans();
  const [chosen, setChosen] = useState(planId);
  const title = useChangeTitle(chosen ?? '', subscriptionId);
  const plansTitle = feature ? ui.t('plans.with', { feature: feature.name }) : ui.t('plans.title');
  return (
    <Dialog
      title={chosen ? title : plansTitle}
      isWide={!chosen}
      onClose={() => {
        onClose();
      }}
    >
      {/* It stays mounted, so that the chosen interval does. */}
      <div hidden={chosen !== undefined}>
        <PricingTable
          productId={productId}
          featureSlug={featureSlug}
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
