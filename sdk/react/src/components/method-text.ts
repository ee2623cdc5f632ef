/** Names a payment method and its expiry date. */
import type { PaymentMethod } from '../api-types.js';
import type { I18n } from '../react/i18n.js';

export function methodText({ cardBrand, cardLast4, type }: PaymentMethod, { t }: I18n): string {
  if (!cardLast4) return type;
  const brand = cardBrand.charAt(0).toUpperCase() + cardBrand.slice(1);
  return t('methods.card', { brand, last4: cardLast4 });
}

/** Returns whether a card's last month is over. */
export function isExpired({ expMonth, expYear }: PaymentMethod): boolean {
  return !!expMonth && !!expYear && Date.UTC(expYear, expMonth) <= Date.now();
}

/** Returns whether a card expires this month or the next. */
export function expiresSoon({ expMonth, expYear }: PaymentMethod): boolean {
  if (!expMonth || !expYear) return false;
  const now = new Date();
  const months = expYear * 12 + expMonth - 1 - (now.getUTCFullYear() * 12 + now.getUTCMonth());
  return months === 0 || months === 1;
}

/** Returns when a card expires or expired; null for other payment methods. */
export function expiryText(method: PaymentMethod, { t, locale }: I18n): string | null {
  const { expMonth, expYear } = method;
  if (!expMonth || !expYear) return null;
  const format = new Intl.DateTimeFormat(locale, {
    month: '2-digit',
    year: 'numeric',
    timeZone: 'UTC',
  });
  const date = format.format(Date.UTC(expYear, expMonth - 1));
  const key = isExpired(method) ? 'expired' : expiresSoon(method) ? 'expiresSoon' : 'expires';
  return t(`methods.${key}`, { date });
}
