import type { ComponentType } from 'react';

import { useUsageLimits, type UsageLimit } from '../hooks/limits.js';
import { Card, Loaded } from '../ui/elements.js';
import { defineComponent, useUi, type StyleProps } from '../ui/parts.js';

/** The props of {@link UsageSummary}. */
export type UsageSummaryProps = StyleProps;

/** Used of included for each metered feature, with the cost so far. Without any it is absent. */
export const UsageSummary: ComponentType<UsageSummaryProps> = /* @__PURE__ */ defineComponent(
  'usage:read',
  function UsageSummary() {
    const { p, t, date } = useUi();
    const { limits, ...read } = useUsageLimits();
    const end = limits.find(({ periodEnd }) => periodEnd)?.periodEnd;
    if (limits.length === 0 && !read.isLoading && !read.error) return null;
    return (
      <Card
        title={t('limits.title')}
        {...(end ? { detail: t('limits.until', { date: date(end) }) } : {})}
      >
        <Loaded read={read} lines={2} has={limits.length > 0}>
          <ul {...p('limits')}>
            {limits.map((limit) => (
              <Limit key={limit.featureId} limit={limit} />
            ))}
          </ul>
        </Loaded>
      </Card>
    );
  },
);

function Limit({ limit }: { limit: UsageLimit }) {
  const { p, t, number, money, date } = useUi();
  const { name, used, included, isLimit, cost, currency, periodEnd, forecast, forecastCost } =
    limit;
  const over = included === null ? 0 : used - included;
  const notes = [
    ...(over > 0 ? [t(isLimit ? 'limits.overLimit' : 'limits.over', { count: number(over) })] : []),
    ...(cost === null ? [] : [t('limits.cost', { amount: money(cost, currency) })]),
    ...(forecast === null || periodEnd === null
      ? []
      : [
          t('limits.forecast', {
            amount: forecastCost ? money(forecastCost, currency) : number(forecast),
            date: date(periodEnd),
          }),
        ]),
  ];
  const key = included === null ? 'unlimited' : isLimit ? 'ofLimit' : 'ofIncluded';
  return (
    <li {...p('limit')}>
      <span {...p('limit-head')}>
        <span {...p('limit-name')}>{name}</span>
        <span {...p('limit-value')}>
          {t(`limits.${key}`, { used: number(used), included: number(included ?? 0) })}
        </span>
      </span>
      {included === null || (included === 0 && !isLimit) ? null : (
        <Bar share={included === 0 ? 1 : used / included} isLimit={isLimit} />
      )}
      {notes.length > 0 ? <span {...p('item-detail')}>{notes.join(' · ')}</span> : null}
    </li>
  );
}

/** The text beside it says the same, so screen readers skip it. */
function Bar({ share, isLimit }: { share: number; isLimit: boolean }) {
  const { p } = useUi();
  const tone = !isLimit ? false : share >= 1 ? 'bad' : share >= 0.8 && 'warn';
  return (
    <svg {...p('limit-bar')} viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
      <rect {...p('limit-rest')} width="100" height="1" />
      <rect {...p('limit-used', tone)} width={Math.min(share, 1) * 100} height="1" />
    </svg>
  );
}
