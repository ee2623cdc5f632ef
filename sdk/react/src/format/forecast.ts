/** Where the usage of a period is heading. */

/** A usage charge: graduated tiers above the included units. */
interface Graduated {
  includedUnits: string;
  tiers: readonly { upTo: number | null; unitPrice: string }[];
}

/** Of a period, less is too little to tell where it is heading. */
const LEAST_SHARE = 0.1;

/** Returns the units at the end of a period if they go on as so far; null if it is too early. */
export function unitsAtEnd(used: number, start: string, end: string, now: number): number | null {
  const [from, to] = [Date.parse(start), Date.parse(end)];
  const share = (now - from) / (to - from);
  return share >= LEAST_SHARE && share < 1 ? Math.round(used / share) : null;
}

export const DAY_MS = 86_400_000;

/** Returns the units per day that use up a limit in exactly a period. */
export function perDayOf(limit: number, start: string, end: string): number {
  return (limit * DAY_MS) / (Date.parse(end) - Date.parse(start));
}

/** Returns the price of a number of units, in minor units. */
export function priceOfUnits(units: number, { includedUnits, tiers }: Graduated): number {
  const billed = Math.max(0, units - Number(includedUnits));
  let [sum, from] = [0, 0];
  for (const { upTo, unitPrice } of tiers) {
    const to = Math.min(billed, upTo ?? Infinity);
    sum += Math.max(0, to - from) * Number(unitPrice);
    from = to;
  }
  return Math.round(sum);
}
