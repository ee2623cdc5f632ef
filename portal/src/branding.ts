/** Turns an organization's branding into readable colours and a logo. */
import type { Branding } from '@unitpay/react';

import { readableAccent } from '../../sdk/react/src/format/colors.js';

/** Returns the CSS variables of a branding. */
export function variablesOf({ accentColor, radius }: Partial<Branding>): Record<string, string> {
  const variables: Record<string, string> = {};
  const readable = readableAccent(accentColor ?? '');
  if (readable) {
    variables['--upay-accent'] = readable.accent;
    variables['--upay-on-accent'] = readable.onAccent;
  }
  if (typeof radius === 'number') variables['--upay-radius'] = `${String(radius)}px`;
  return variables;
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
