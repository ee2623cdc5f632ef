/** Makes an accent color readable: WCAG 2.2 asks for a contrast of 4.5 for text, 3 for controls. */
type Rgb = readonly number[];

const WHITE: Rgb = [255, 255, 255];
const BLACK: Rgb = [0, 0, 0];
/** The background with the least contrast to the accent in each theme. */
const LIGHT: Rgb = [244, 247, 247];
const DARK: Rgb = [27, 34, 35];
const LEAST = 4.5;

export interface Accent {
  /** CSS `light-dark()` values. */
  accent: string;
  onAccent: string;
}

/**
 * Returns the accent for both themes and the text on it, or null for a value that is no plain
 * color, such as `var(--brand)`. `background` replaces the default background of both themes.
 */
export function readableAccent(color: string, background = ''): Accent | null {
  const rgb = rgbOf(color);
  if (!rgb) return null;
  const ground = rgbOf(background);
  const light = readable(rgb, ground ?? LIGHT);
  const dark = readable(rgb, ground ?? DARK);
  return {
    accent: `light-dark(${text(light)}, ${text(dark)})`,
    onAccent: `light-dark(${on(light)}, ${on(dark)})`,
  };
}

/** Returns the color if it is readable on `ground`, else the nearest readable one. */
function readable(color: Rgb, ground: Rgb): Rgb {
  const end = contrast(ground, WHITE) > contrast(ground, BLACK) ? WHITE : BLACK;
  for (let share = 0; share < 1; share += 0.02) {
    const mixed = color.map((part, at) => Math.round(part + ((end[at] ?? 0) - part) * share));
    if (contrast(mixed, ground) >= LEAST) return mixed;
  }
  return end;
}

function on(color: Rgb): string {
  return contrast(color, WHITE) >= LEAST ? '#fff' : '#000';
}

function contrast(one: Rgb, other: Rgb): number {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

function luminance(color: Rgb): number {
  const [red = 0, green = 0, blue = 0] = color.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Reads `#rgb` and `#rrggbb`; the browser reads every other opaque color. */
function rgbOf(color: string): Rgb | null {
  const hex = color.trim().replace(/^#(.)(.)(.)$/, '#$1$1$2$2$3$3');
  const parts = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(hex)?.slice(1);
  return parts ? parts.map((part) => parseInt(part, 16)) : painted(color);
}

/** Paints one pixel in a color. The canvas ignores a value that it does not know. */
function painted(color: string): Rgb | null {
  if (!color || typeof CSS === 'undefined' || !CSS.supports('color', color)) return null;
  if (/\bvar\(|currentcolor|light-dark\(|inherit|initial|unset|revert/i.test(color)) return null;
  const canvas = document.createElement('canvas').getContext('2d');
  if (!canvas) return null;
  canvas.fillStyle = color;
  canvas.fillRect(0, 0, 1, 1);
  const [red = 0, green = 0, blue = 0, alpha = 0] = canvas.getImageData(0, 0, 1, 1).data;
  return alpha === 255 ? [red, green, blue] : null;
}

function text(color: Rgb): string {
  return `rgb(${color.join(' ')})`;
}
