import type { Plan, Pricing } from '../api-types.js';
import { useUi } from '../ui/parts.js';
import { listFeatures } from './prices.js';

interface ComparisonProps {
  plans: readonly Plan[];
  pricing: Pricing;
}

/** Every feature in a row, every plan in a column. */
export function Comparison({ plans, pricing }: ComparisonProps) {
  const ui = useUi();
  const { p, t } = ui;
  const columns = plans.map((plan) => ({ plan, lines: listFeatures(plan, pricing, ui) }));
  const used = pricing.featureRows.filter(({ feature }) =>
    columns.some(({ lines }) => lines.some(({ id }) => id === feature.id)),
  );
  return (
    <div {...p('scroll', 'wide')} role="region" aria-label={t('plans.compare')} tabIndex={0}>
      <table {...p('compare')}>
        <thead>
          <tr>
            <th scope="col" {...p('compare-head')}>
              <span {...p('hidden')}>{t('plans.feature')}</span>
            </th>
            {plans.map(({ id, name }) => (
              <th key={id} scope="col" {...p('compare-head')}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {used.map(({ feature }) => (
            <tr key={feature.id}>
              <th scope="row" {...p('compare-name')}>
                {feature.name}
              </th>
              {columns.map(({ plan, lines }) => {
                const line = lines.find(({ id }) => id === feature.id);
                return (
                  <td key={plan.id} {...p('compare-value')}>
                    {line ? line.text || line.detail || t('plans.yes') : '—'}
                    {line?.text && line.detail ? (
                      <small {...p('line-detail')}>{line.detail}</small>
                    ) : null}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
