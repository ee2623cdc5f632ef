/** Dresses a document: language, direction, title and colours. */
import type { Branding } from '@unitpay/react';

import { directionOf } from '../../sdk/react/src/react/i18n.js';
import { logoOf, variablesOf, type Logo } from './branding.js';
import { languageFor, type Language } from './texts.js';

export interface Look {
  language: Language;
  logo: Logo | null;
}

/** Loads the language and the logo and sets what is outside of the page's own elements. */
export async function dress(
  locale: string | null,
  branding: Partial<Branding>,
  titleOf: (language: Language) => string = ({ texts }) => texts.title,
): Promise<Look> {
  const [language, logo] = await Promise.all([languageFor(locale), logoOf(branding)]);
  const { documentElement } = document;
  documentElement.lang = language.messages?.language ?? 'en';
  documentElement.dir = directionOf(documentElement.lang);
  document.title = [titleOf(language), branding.name].filter(Boolean).join(' · ');
  // The page's policy refuses `style` attributes.
  for (const [name, value] of Object.entries(variablesOf(branding))) {
    documentElement.style.setProperty(name, value);
  }
  return { language, logo };
}
