/** Hooks for usage. */
import type { UsageDay, UsageMeter } from '../api-types.js';
import { DAY_MS } from '../format/forecast.js';
import { useOne, useRead, type Id, type Read } from '../react/read.js';

/** Returns the usage and the limit of a metric in the current usage period. */
export function useUsageMeter(metricId: Id): Read<{ meter: UsageMeter | null }> {
  return useOne('meter', 'meters', metricId && '/usage', { metricId });
}

/** The total of one UTC day. */
export interface DayTotal {
  date: string;
  total: number;
}

/** Returns totals by UTC day for each event name, up to 92 days. Days without events have 0. */
export function useUsageHistory({ days = 30 }: { days?: number } = {}): Read<{
  series: Record<string, DayTotal[]>;
  hasData: boolean;
}> {
  const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  const { data, ...state } = useRead<{ data: UsageDay[] }>('usage', '/usage/aggregate', {
    from: new Date(today - (days - 1) * DAY_MS).toISOString().slice(0, 10),
    to: new Date(today).toISOString().slice(0, 10),
  });
  const series: Record<string, DayTotal[]> = {};
  for (const { eventName, date, total } of data?.data ?? []) {
    (series[eventName] ??= []).push({ date, total: Number(total) });
  }
  const hasData = Object.values(series).some((all) => all.some(({ total }) => total > 0));
  return { ...state, series, hasData };
}
