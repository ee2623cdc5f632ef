import type { InvoiceItem } from '../api-types.js';
import { formatUnitPrice } from '../format/money.js';
import type { I18n } from '../react/i18n.js';
import { useUi } from './parts.js';

interface LinesProps {
  items: readonly InvoiceItem[];
  currency: string;
  subtotal: number;
  taxAmount: number;
  totalAmount: number;
  /** The label of the total. */
  total: string;
}

/** The lines of an invoice and their total. */
export function Lines({ items, currency, subtotal, taxAmount, totalAmount, total }: LinesProps) {
  const ui = useUi();
  const { p, t, money } = ui;
  const sum = (label: string, amount: number, isTotal = false) => (
    <div {...p('sum', isTotal && 'total')}>
      <dt {...p('sum-label')}>{label}</dt>
      <dd {...p('sum-amount')}>{money(amount, currency)}</dd>
    </div>
  );
  const discounts = items.reduce((all, { discount }) => all + (discount?.amount ?? 0), 0);
  return (
    <div {...p('bill')}>
      <ul {...p('lines')}>
        {items.map((item, index) => (
          <li key={index} {...p('line')}>
            <span {...p('line-text')}>
              {lineText(item, ui)}
              <Detail item={item} currency={currency} />
            </span>
            <span {...p('line-amount')}>{money(item.amount, currency)}</span>
          </li>
        ))}
      </ul>
      <dl {...p('sums')}>
        {discounts === 0 ? null : sum(t('line.discounts'), -discounts)}
        {taxAmount === 0 ? null : sum(t('change.subtotal'), subtotal)}
        {taxAmount === 0 ? null : sum(t('change.tax'), taxAmount)}
        {sum(total, totalAmount, true)}
      </dl>
    </div>
  );
}

/** Returns the description of a line. Lines of earlier servers have it in English only. */
function lineText({ label, description }: InvoiceItem, { t }: I18n): string {
  if (!label) return description;
  const { code, name } = label;
  switch (code) {
    case 'plan':
    case 'usage':
    case 'top_up':
      return name;
    case 'one_off':
    case 'unused_time':
    case 'remaining_time':
      return t(`line.${code}`, { name });
  }
}

/** The period, quantity, unit price and discount of a line. */
function Detail({ item, currency }: { item: InvoiceItem; currency: string }) {
  const { p, period, number, money, locale } = useUi();
  const { periodStart, periodEnd, quantity, unitAmount, discount } = item;
  const parts = [
    ...(periodStart && periodEnd ? [period(periodStart, periodEnd)] : []),
    ...(quantity === '1'
      ? []
      : [
          number(quantity) +
            (unitAmount === null ? '' : ` × ${formatUnitPrice(unitAmount, currency, locale)}`),
        ]),
    ...(discount ? [`${discount.name}: ${money(-discount.amount, currency)}`] : []),
  ];
  return parts.length > 0 ? <small {...p('line-detail')}>{parts.join(' · ')}</small> : null;
}
