/** Days and times for people. Texts in, as the wire has them. */
export function formatDate(iso: string, locale: string, timeZone: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone }).format(new Date(iso));
}

/** A period `[start, end)` by its days: its last day is the one before its end. */
export function formatPeriod(start: string, end: string, locale: string, timeZone: string): string {
  const format = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone });
  return format.formatRange(new Date(start), new Date(Date.parse(end) - 1));
}

/** A day of a chart, `YYYY-MM-DD`, which is one of UTC. */
export function formatDay(day: string, locale: string): string {
  const options = { month: 'short', day: 'numeric', timeZone: 'UTC' } as const;
  return new Intl.DateTimeFormat(locale, options).format(new Date(day));
}
