/** Texts, numbers and dates in the reader's language. */
import { useMemo } from 'react';

import type { CurrentSession, ErrorCode } from '../api-types.js';
import type { ApiError } from '../core/errors.js';
import { formatDate, formatPeriod } from '../format/dates.js';
import { isRightToLeft } from '../format/direction.js';
import { languageOf } from '../format/language.js';
import { formatCredits, formatMoney, formatNumber } from '../format/money.js';
import { en, type MessageKey, type Messages } from '../locales/en.js';
import { usePortal, type Texts } from './context.js';
import { useRead } from './read.js';

type Values = Readonly<Record<string, string | number>>;

export interface I18n {
  locale: string;
  timeZone: string;
  dir: 'ltr' | 'rtl';
  /** Returns a text. The value `count` selects the plural form. */
  t: (key: Key, values?: Values) => string;
  errorText: (error: ApiError) => string;
  money: (minor: number, currency: string) => string;
  credits: (amount: number, currency: Parameters<typeof formatCredits>[1]) => string;
  number: (value: number | string) => string;
  /** Formats a share in percent. */
  percent: (value: number) => string;
  date: (iso: string) => string;
  period: (start: string, end: string) => string;
}

type Stem<K extends string> = K extends `${infer S}_one` ? S : K;
/** The key of a text, without its plural suffix. */
export type Key = Stem<MessageKey>;

/** Returns the writing direction of a language. */
export function directionOf(language: string): 'ltr' | 'rtl' {
  return isRightToLeft(language) ? 'rtl' : 'ltr';
}

/** Returns the tag that the host page asks for, else the session's, else the customer's. */
export function useLocale(isNeeded = true): string | undefined {
  const { locale: asked, session } = usePortal();
  const { data } = useRead<CurrentSession>(
    'session',
    isNeeded && asked === undefined && session ? '/portal-sessions/current' : null,
  );
  return asked ?? data?.session.locale ?? data?.customer?.locale ?? undefined;
}

/** Returns texts and formats. `isNeeded` false: a component above provides them already. */
export function useI18n(isNeeded: boolean): I18n {
  const { messages, timeZone } = usePortal();
  const wanted = useLocale(isNeeded);
  return useMemo(() => {
    const texts = textsFor(wanted, messages);
    // Numbers and dates follow the language of the texts, so that no sentence mixes two languages.
    const isSame = isOwnTexts(messages) || languageOf(wanted ?? '') === languageOf(texts.language);
    return i18n(texts, (isSame && wanted) || texts.language, timeZone);
  }, [wanted, messages, timeZone]);
}

function i18n(texts: Messages, locale: string, timeZone: string): I18n {
  const plural = new Intl.PluralRules(texts.language);
  const t = (key: Key, values: Values = {}) => {
    const form = `${key}_${plural.select(Number(values.count ?? 0))}`;
    const text = has(texts, form) ?? has(texts, `${key}_other`) ?? has(texts, key) ?? key;
    return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
      const value = values[name];
      return value === undefined ? whole : String(value);
    });
  };
  return {
    locale,
    timeZone,
    dir: directionOf(texts.language),
    t,
    errorText: (error) => errorText(texts, error),
    money: (minor, currency) => formatMoney(minor, currency, locale),
    credits: (amount, currency) => formatCredits(amount, currency, locale),
    number: (value) => formatNumber(value, locale),
    percent: (value) => new Intl.NumberFormat(locale, { style: 'percent' }).format(value / 100),
    date: (iso) => formatDate(iso, locale, timeZone),
    period: (start, end) => formatPeriod(start, end, locale, timeZone),
  };
}

/** The codes that have the text of another code. */
const SAME: Partial<Record<ErrorCode, ErrorCode>> = {
  ambiguous_credentials: 'invalid_api_key',
  malformed_request: 'invalid_api_key',
  secret_key_in_browser: 'invalid_api_key',
  unsupported_media_type: 'invalid_api_key',
  customer_not_found: 'not_found',
  idempotency_key_reused: 'conflict',
  method_not_allowed: 'insufficient_scope',
  invalid_token: 'token_expired',
  missing_credentials: 'token_expired',
  session_revoked: 'token_expired',
  rate_limited: 'overloaded',
  test_clock_advancing: 'overloaded',
  plan_immutable: 'plan_not_available',
  request_timeout: 'timeout',
  organization_suspended: 'unavailable',
  seller_incomplete: 'unavailable',
};

/** Returns the text for an error: that of the decline, of its code, or of any error. */
export function errorText(
  texts: Messages,
  { code, declineReason }: Pick<ApiError, 'code' | 'declineReason'>,
): string {
  return (
    has(texts, `decline.${declineReason ?? ''}`) ??
    has(texts, `error.${code ?? ''}`) ??
    has(texts, `error.${(code && SAME[code]) ?? ''}`) ??
    texts['error.unknown']
  );
}

function textsFor(
  locale: string | undefined,
  given: ReturnType<typeof usePortal>['messages'],
): Messages {
  const find = (name: (tag: string) => string) =>
    (given as readonly Texts[]).find(
      ({ language = '' }) => name(language) === name(locale ?? 'en'),
    );
  const overrides = Array.isArray(given) ? (find(String) ?? find(languageOf)) : (given as Texts);
  return { ...en, ...overrides };
}

/** Returns whether the host page brings its own texts, which are in the locale that it asks for. */
function isOwnTexts(given: ReturnType<typeof usePortal>['messages']): boolean {
  return !Array.isArray(given) && !('language' in given) && Object.keys(given).length > 0;
}

function has(texts: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(texts, key) ? texts[key] : undefined;
}
