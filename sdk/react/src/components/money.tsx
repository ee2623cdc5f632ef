import { formatMoney } from '../format/money.js';
import { usePortal } from '../react/context.js';

export interface MoneyProps {
  /** In the currency's minor unit. */
  minor: number | bigint | string;
  currency: string;
  locale?: string | undefined;
  className?: string | undefined;
}

/** An amount in figures of one width. */
export function Money({ minor, currency, locale, className }: MoneyProps) {
  const { locale: provided } = usePortal();
  return (
    <span className={className ? `upay-money ${className}` : 'upay-money'} data-upay="money">
      {formatMoney(minor, currency, locale ?? provided)}
    </span>
  );
}
