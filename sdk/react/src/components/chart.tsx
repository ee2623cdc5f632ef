/** The bar chart of usage, with a table of the same numbers. */
import { useState } from 'react';

import { formatDay } from '../format/dates.js';
import { ticksOf } from '../format/scale.js';
import type { DayTotal } from '../hooks/usage.js';
import { Details } from '../ui/elements.js';
import { useUi } from '../ui/parts.js';
import { Table } from '../ui/table.js';

interface ChartProps {
  name: string;
  totals: readonly DayTotal[];
  /** The units per day that use up the limit of the period; null without a limit. */
  perDay: number | null;
}

const inPercent = (share: number) => `${String(100 * share)}%`;

export function Chart({ name, totals, perDay }: ChartProps) {
  const { p, t, number, locale } = useUi();
  /** The day that the pointer or the keyboard has chosen. */
  const [chosen, setChosen] = useState<number | null>(null);
  const count = totals.length;
  const last = count - 1;
  const day = chosen ?? last;
  const ticks = ticksOf(
    totals.map(({ total }) => total),
    perDay,
  );
  const top = ticks.at(-1) ?? 1;
  const yOf = (value: number) => inPercent(1 - value / top);
  const compact = new Intl.NumberFormat(locale, { notation: 'compact' });
  const sum = totals.reduce((all, { total }) => all + total, 0);
  const label = t('usage.chart', { name, total: number(sum), days: count });
  const dayOf = (index: number) => formatDay(totals[index]?.date ?? '', locale);
  const textOf = (index: number) => `${dayOf(index)}: ${number(totals[index]?.total ?? 0)}`;
  const leave = () => {
    setChosen(null);
  };
  return (
    <figure {...p('chart')}>
      <figcaption {...p('chart-caption')}>
        <span {...p('figure')}>{number(sum)}</span>
        <span {...p('text', 'muted')}>{name}</span>
      </figcaption>
      <div {...p('chart-scale')} aria-hidden="true">
        {ticks.toReversed().map((tick) => (
          <span key={tick}>{compact.format(tick)}</span>
        ))}
      </div>
      <div {...p('chart-area')} onPointerLeave={leave}>
        {/* The arrow keys go through the days, and screen readers announce each. */}
        <input
          {...p('chart-input')}
          type="range"
          aria-label={name}
          aria-valuetext={textOf(day)}
          max={last}
          value={day}
          onFocus={() => {
            setChosen(last);
          }}
          onBlur={leave}
          onChange={({ target }) => {
            setChosen(Number(target.value));
          }}
        />
        <svg {...p('chart-plot')} role="img" aria-label={label}>
          {ticks.map((tick) => (
            <line key={tick} {...p('chart-grid')} x2="100%" y1={yOf(tick)} y2={yOf(tick)} />
          ))}
          {totals.map(({ date, total }, index) => {
            const x = inPercent((index + 0.1) / count);
            const width = inPercent(0.8 / count);
            return (
              <g
                key={date}
                onPointerEnter={() => {
                  setChosen(index);
                }}
              >
                <rect {...p('chart-day')} x={x} width={width} height="100%" />
                <rect
                  {...p('chart-bar', index === chosen && 'chosen')}
                  x={x}
                  y={yOf(Math.min(total, top))}
                  width={width}
                  height="100%"
                />
                {total > top ? (
                  <rect {...p('chart-cut')} x={x} y="8" width={width} height="3" />
                ) : null}
              </g>
            );
          })}
          {/* Above the axis it is clipped. */}
          {perDay === null ? null : (
            <line {...p('chart-limit')} x2="100%" y1={yOf(perDay)} y2={yOf(perDay)} />
          )}
        </svg>
        {chosen === null ? null : (
          <span
            {...p('chart-tip')}
            aria-hidden="true"
            // Shifted by the same share of its own width, it stays within the plot.
            style={{ left: inPercent(day / last), translate: inPercent(-day / last) }}
          >
            {textOf(day)}
          </span>
        )}
      </div>
      <div {...p('chart-days')} aria-hidden="true">
        {[...new Set([0, last >> 1, last])].map((index) => (
          <span key={index}>{dayOf(index)}</span>
        ))}
      </div>
      {perDay === null ? null : (
        <p {...p('chart-note')}>{t('usage.perDay', { count: compact.format(perDay) })}</p>
      )}
      <Details summary={t('usage.table')}>
        {/* It scrolls, so that opening it does not push the page away. */}
        <div {...p('scroll')} role="region" aria-label={label} tabIndex={0}>
          <Table
            label={label}
            rows={totals.toReversed()}
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
