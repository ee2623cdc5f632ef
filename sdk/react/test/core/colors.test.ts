/** Accent colors are readable in both themes. */
import { expect, test } from 'vitest';

import { readableAccent } from '../../src/format/colors.js';

/** The contrast of two colors, by WCAG 2.2. */
function contrast(one: number[], other: number[]): number {
  const [low = 0, high = 0] = [one, other]
    .map((color) => {
      const [red = 0, green = 0, blue = 0] = color.map((part) => {
        const share = part / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    })
    .sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

const colorsOf = (css = ''): number[][] =>
  [...css.matchAll(/rgb\((\d+) (\d+) (\d+)\)|#(fff|000)/g)].map(([all, ...parts]) => {
    if (all === '#fff') return [255, 255, 255];
    return all === '#000' ? [0, 0, 0] : parts.slice(0, 3).map(Number);
  });

const GROUNDS = { light: [244, 247, 247], dark: [27, 34, 35] };

test.each(['#ffff00', '#ffffff', '#000000', '#3b5bdb', '#f0f', '#777', '#00ff88', '#0b0b3a'])(
  'accent %s is readable in both themes',
  (color) => {
    const { accent, onAccent } = readableAccent(color) ?? {};
    const [light = [], dark = []] = colorsOf(accent);
    const [onLight = [], onDark = []] = colorsOf(onAccent);
    expect(contrast(light, GROUNDS.light)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(dark, GROUNDS.dark)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(light, onLight)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(dark, onDark)).toBeGreaterThanOrEqual(4.5);
  },
);

test('accent that is readable in a theme stays as it is there', () => {
  expect(readableAccent('#0c5f66')?.accent).toMatch(/^light-dark\(rgb\(12 95 102\), /);
  expect(readableAccent('#6cc7cd')?.accent).toMatch(/, rgb\(108 199 205\)\)$/);
});

test('accent is readable on the background of the host', () => {
  const [onBlack = []] = colorsOf(readableAccent('#222', '#000')?.accent);
  expect(contrast(onBlack, [0, 0, 0])).toBeGreaterThanOrEqual(4.5);
});

test.each(['var(--brand)', 'nonsense', '', 'light-dark(#000, #fff)'])(
  'value %s is no plain color',
  (color) => {
    expect(readableAccent(color)).toBeNull();
  },
);
