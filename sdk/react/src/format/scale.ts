/** The axis of a bar chart. */

/**
 * Returns the values of an axis' ticks, from 0 up. A few days far above all others do not count, so
 * that the others can be compared: their bars end at the top. A `line` counts if it is near the bars.
 */
export function ticksOf(totals: readonly number[], line: number | null): number[] {
  const sorted = totals.filter((total) => total > 0).sort((one, other) => one - other);
  const max = sorted.at(-1) ?? 1;
  // The highest bar when the highest tenth is taken away.
  const usual = sorted[Math.floor((sorted.length - 1) * 0.9)] ?? 1;
  const shown = sorted.length > 4 && max > 4 * usual ? 1.2 * usual : max;
  const high = line !== null && line < 2 * shown ? Math.max(line, shown) : shown;
  const power = 10 ** Math.floor(Math.log10(high / 4));
  const round = power * ([1, 2, 5].find((factor) => factor * power * 4 >= high) ?? 10);
  const step = totals.every(Number.isInteger) ? Math.max(round, 1) : round;
  return Array.from({ length: Math.ceil(high / step) + 1 }, (_, index) => index * step);
}
