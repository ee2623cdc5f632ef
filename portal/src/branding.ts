/** Turns an organization's branding into readable colours and a logo. */
import type { Branding } from '@unitpay/react';

type Rgb = readonly [number, number, number];

const WHITE: Rgb = [255, 255, 255];
const BLACK: Rgb = [0, 0, 0];
/** The background with the least contrast to the accent in each theme. */
const LIGHT: Rgb = [244, 247, 247];
const DARK: Rgb = [27, 34, 35];
/** WCAG 2.2, 1.4.3. */
const LEAST = 4.5;

/** Returns the CSS variables of a branding. */
export function variablesOf({ accentColor, radius }: Partial<Branding>): Record<string, string> {
  const variables: Record<string, string> = {};
  const color = rgbOf(accentColor ?? '');
  if (color) {
    const light = readable(color, LIGHT, BLACK);
    const dark = readable(color, DARK, WHITE);
    variables['--upay-accent'] = `light-dark(${text(light)}, ${text(dark)})`;
    variables['--upay-on-accent'] = `light-dark(${on(light)}, ${on(dark)})`;
  }
  if (typeof radius === 'number') variables['--upay-radius'] = `${String(radius)}px`;
  return variables;
}

/** Returns the color if it is readable on `ground`, else the nearest readable one towards `end`. */
function readable(color: Rgb, ground: Rgb, end: Rgb): Rgb {
  for (let share = 0; share < 1; share += 0.02) {
    const mixed = color.map((part, at) => part + ((end[at] ?? 0) - part) * share);
    if (contrast(mixed, ground) >= LEAST) return mixed as unknown as Rgb;
  }
  return end;
}

function on(color: Rgb): string {
  return contrast(color, WHITE) >= LEAST ? '#fff' : '#000';
}

function contrast(one: readonly number[], other: readonly number[]): number {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

function luminance(color: readonly number[]): number {
  const [red = 0, green = 0, blue = 0] = color.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function rgbOf(hex: string): Rgb | null {
  const parts = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(hex)?.slice(1);
  return parts ? (parts.map((part) => parseInt(part, 16)) as unknown as Rgb) : null;
}

function text(color: Rgb): string {
  return `rgb(${color.map(Math.round).join(' ')})`;
}

export interface Logo {
  src: string;
  /** A wide logo usually contains the name. */
  isWide: boolean;
}

/** Returns the decoded logo, so that the layout does not shift, or null without a valid one. */
export async function logoOf({ logo }: Partial<Branding>): Promise<Logo | null> {
  if (!logo?.startsWith('data:image/')) return null;
  const image = new Image();
  image.src = logo;
  return image.decode().then(
    () => ({ src: logo, isWide: image.naturalWidth > 2 * image.naturalHeight }),
    () => null,
  );
}
