import { formatMoney } from '../format/money.js';
import { useI18n } from '../react/i18n.js';

/** The props of {@link Money}. */
export interface MoneyProps {
  /** In the currency's minor unit. */
  minor: number | bigint | string;
  currency: string;
  locale?: string | undefined;
  className?: string | undefined;
}

/** An amount in figures of one width. */
export function Money({ minor, currency, locale, className }: MoneyProps) {
  const i18n = useI18n(locale === undefined);
  return (
    <span className={className ? `upay-money ${className}` : 'upay-money'} data-upay="money">
      {formatMoney(minor, currency, locale ?? i18n.locale)}
    </span>
  );
}
