import type { Plan } from '../api-types.js';
import { usePricing } from '../hooks/catalog.js';
import { useUi } from '../ui/parts.js';
import { compareFeatures, type FeatureChange } from './prices.js';

interface FeatureChangesProps {
  from: Plan | undefined;
  /** Undefined: the customer has no plan afterwards. */
  to: Plan | undefined;
  /** The day of the loss, formatted. */
  date?: string | undefined;
}

/** Lists what the customer gains and loses by another plan. */
export function FeatureChanges({ from, to, date }: FeatureChangesProps) {
  const ui = useUi();
  const { pricing } = usePricing((to ?? from)?.productId);
  if (!pricing || !from) return null;
  const { gained, changed, lost } = compareFeatures(from, to, pricing, ui);
  return (
    <>
      <Changes title={ui.t('change.gains')} changes={gained} />
      <Changes title={ui.t('change.changes')} changes={changed} />
      <Changes
        title={date ? ui.t('cancel.losses', { date }) : ui.t('change.losses')}
        changes={lost}
      />
    </>
  );
}

interface ChangesProps {
  title: string;
  changes: readonly FeatureChange[];
}

function Changes({ title, changes }: ChangesProps) {
  const { p } = useUi();
  if (changes.length === 0) return null;
  return (
    <div>
      <p {...p('group-title')}>{title}</p>
      <ul {...p('bullets')}>
        {changes.map(({ id, text }) => (
          <li key={id} {...p('bullet')}>
            {text}
          </li>
        ))}
      </ul>
    </div>
  );
}
