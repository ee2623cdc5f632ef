import { useState, type ComponentType } from 'react';

import { useMetrics, useUsageLimits } from '../hooks/limits.js';
import { useUsageHistory } from '../hooks/usage.js';
import { Card, Loaded, Select } from '../ui/elements.js';
import { defineComponent, useUi, type StyleProps } from '../ui/parts.js';
import { Chart } from './lazy-forms.js';

/** The props of {@link UsageChart}. */
export interface UsageChartProps extends StyleProps {
  days?: number | undefined;
  /** Default: the first one, with a menu of the others. */
  eventName?: string | undefined;
}

/** Usage by day, as a bar chart and as a table. */
export const UsageChart: ComponentType<UsageChartProps> = /* @__PURE__ */ defineComponent(
  'usage:read',
  function UsageChart({ days = 30, eventName }) {
    const { t } = useUi();
    const { series, hasData, ...read } = useUsageHistory({ days });
    const [chosen, setChosen] = useState<string | null>(null);
    const names = Object.keys(series).sort();
    const name = eventName ?? chosen ?? names[0] ?? '';
    const { metrics } = useMetrics();
    const metricOf = (event: string) => metrics.find(({ eventName: one }) => one === event);
    const labelOf = (event: string) => metricOf(event)?.name ?? event;
    const { limits } = useUsageLimits();
    const limit = limits.find(({ metricId }) => metricId === metricOf(name)?.id);
    const select = (
      <Select
        aria-label={t('usage.title')}
        options={names.map((value) => ({ value, label: labelOf(value) }))}
        value={name}
        onValue={setChosen}
      />
    );
    return (
      <Card
        title={t('usage.title')}
        detail={t('usage.days', { days })}
        actions={!eventName && names.length > 1 ? select : null}
      >
        <Loaded
          read={read}
          lines={14}
          empty={!(hasData && series[name]) && t('usage.none', { days })}
          has={names.length > 0}
        >
          <Chart
            // Another event's days are others.
            key={name}
            name={labelOf(name)}
            totals={series[name] ?? []}
            perDay={limit?.perDay ?? null}
          />
        </Loaded>
      </Card>
    );
  },
);
