/** Dresses Stripe's frames in our colours: a CSS variable means nothing inside of them. */

/** Returns Stripe's appearance for a form at this place of the page. */
export function appearanceOf(at: HTMLElement): object {
  const probe = document.createElement('span');
  at.append(probe);
  const { style } = probe;
  const computed = getComputedStyle(probe);
  const colorOf = (name: string) => {
    style.setProperty('color', `var(--_${name})`);
    return plainColor(computed.color);
  };
  const lengthOf = (name: string) => {
    style.setProperty('border-radius', `var(--_${name})`);
    return computed.borderTopLeftRadius;
  };
  const [background, text, muted] = [colorOf('bg'), colorOf('text'), colorOf('muted')];
  const [accent, strong, bad] = [colorOf('accent'), colorOf('strong'), colorOf('bad')];
  const appearance = {
    theme: isDark(background) ? 'night' : 'stripe',
    labels: 'above',
    disableAnimations: matchMedia('(prefers-reduced-motion: reduce)').matches,
    variables: {
      colorPrimary: hexOf(accent),
      colorBackground: hexOf(background),
      colorText: hexOf(text),
      colorTextSecondary: hexOf(muted),
      colorTextPlaceholder: hexOf(muted),
      colorDanger: hexOf(bad),
      fontFamily: computed.fontFamily,
      fontSizeBase: computed.fontSize,
      borderRadius: lengthOf('radius'),
      focusOutline: `2px solid ${hexOf(accent)}`,
    },
    rules: { '.Input': { border: `1px solid ${hexOf(strong)}`, boxShadow: 'none' } },
  };
  probe.remove();
  return appearance;
}

type Rgb = readonly [number, number, number];

/** Reads any colour that the browser knows, such as `oklch()`, by painting it. */
function plainColor(color: string): Rgb {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 1;
  const context = canvas.getContext('2d');
  if (!context) return [0, 0, 0];
  context.fillStyle = color;
  context.fillRect(0, 0, 1, 1);
  const [red = 0, green = 0, blue = 0] = context.getImageData(0, 0, 1, 1).data;
  return [red, green, blue];
}

function hexOf(color: Rgb): string {
  return `#${color.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}

function isDark([red, green, blue]: Rgb): boolean {
  return red * 0.299 + green * 0.587 + blue * 0.114 < 128;
}
