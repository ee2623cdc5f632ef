/** The bar chart of usage, with a table of the same numbers. */
import { formatDay } from '../format/dates.js';
import type { DayTotal } from '../hooks/usage.js';
import { Details } from '../ui/elements.js';
import { useUi } from '../ui/parts.js';
import { Table } from '../ui/table.js';

const WIDTH = 640;
const HEIGHT = 160;
const GAP = 2;

interface ChartProps {
  name: string;
  totals: readonly DayTotal[];
}

export function Chart({ name, totals }: ChartProps) {
  const { p, t, number, locale } = useUi();
  const sum = totals.reduce((all, { total }) => all + total, 0);
  const top = ceiling(Math.max(...totals.map(({ total }) => total), 0));
  const width = WIDTH / Math.max(totals.length, 1);
  const [first, last] = [totals[0], totals.at(-1)];
  const label = t('usage.chart', { name, total: number(sum), days: totals.length });
  return (
    <figure {...p('chart')}>
      <figcaption {...p('chart-caption')}>
        <span {...p('figure')}>{number(sum)}</span>
        <span {...p('text', 'muted')}>{name}</span>
      </figcaption>
      <div {...p('chart-scale')} aria-hidden="true">
        {number(top)}
      </div>
      <svg
        {...p('chart-plot')}
        viewBox={`0 0 ${String(WIDTH)} ${String(HEIGHT)}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={label}
      >
        <path
          {...p('chart-grid')}
          d={`M0 .5H${String(WIDTH)}M0 ${String(HEIGHT / 2)}H${String(WIDTH)}`}
        />
        {totals.map(({ date, total }, index) => {
          const height = top === 0 ? 0 : (total / top) * HEIGHT;
          return (
            <rect
              key={date}
              {...p('chart-bar')}
              x={index * width + GAP / 2}
              y={HEIGHT - height}
              width={Math.max(width - GAP, 1)}
              height={height}
            >
              <title>{`${formatDay(date, locale)}: ${number(total)}`}</title>
            </rect>
          );
        })}
        <path {...p('chart-axis')} d={`M0 ${String(HEIGHT - 0.5)}H${String(WIDTH)}`} />
      </svg>
      <div {...p('chart-days')} aria-hidden="true">
        <span>{first ? formatDay(first.date, locale) : ''}</span>
        <span>{last ? formatDay(last.date, locale) : ''}</span>
      </div>
      <Details summary={t('usage.table')}>
        {/* It scrolls, so that opening it does not push the page away. */}
        <div {...p('scroll')} role="region" aria-label={label} tabIndex={0}>
          <Table
            label={label}
            rows={[...totals].reverse()}
            keyOf={({ date }) => date}
            columns={[
              {
                key: 'day',
                label: t('invoices.date'),
                cell: ({ date }) => formatDay(date, locale),
              },
              {
                key: 'total',
                label: t('change.total'),
                isNumber: true,
                cell: ({ total }) => number(total),
              },
            ]}
          />
        </div>
      </Details>
    </figure>
  );
}

/** Returns the next round number at or above `value`. */
function ceiling(value: number): number {
  if (value <= 0) return 0;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 1.5, 2, 2.5, 3, 4, 5, 6, 8].find((step) => step * power >= value) ?? 10) * power;
}
