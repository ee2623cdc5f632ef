/** The texts of the page around the portal. `{name}` is the organization's name, `{email}` an address. */
import type { Messages } from '@unitpay/react';

import { languageOf } from '../../sdk/react/src/format/language.js';
import type { Closed } from './open.js';

export interface Texts {
  title: string;
  back: string;
  backTo: string;
  signOut: string;
  signOutFailed: string;
  questions: string;
  retry: string;
  sendLink: string;
  linkSent: string;
  linkFailed: string;
  closed: Record<Closed, Text>;
}

export interface Text {
  title: string;
  body: string;
}

/** The texts of the page of one invoice. */
export type InvoiceTexts = Record<'paid' | 'void' | 'link' | 'ended', Text>;

/** The texts of the sign-in page. `{email}` is the address, `{count}` a number. */
export interface LoginTexts {
  title: string;
  intro: string;
  email: string;
  send: string;
  sent: string;
  code: string;
  codeHint: string;
  enter: string;
  again: string;
  choose: string;
  wrong: string;
  triesLeft: string;
  spent: string;
  tooMany: string;
  missing: Text;
}

export interface Language {
  /** BCP 47. */
  locale: string;
  texts: Texts;
  /** Absent for English, which the sign-in page contains. */
  login?: LoginTexts;
  /** Absent for English, which the page of an invoice contains. */
  invoice?: InvoiceTexts;
  /** The texts of `@unitpay/react`; absent for English, which the package contains. */
  messages?: Messages;
}

export const en: Texts = {
  title: 'Billing',
  back: 'Back',
  backTo: 'Back to {name}',
  signOut: 'Sign out',
  signOutFailed: 'You are still signed in because the server cannot be reached.',
  questions: 'Questions about your bill?',
  retry: 'Try again',
  sendLink: 'Send a new link to {email}',
  linkSent: 'A new link is on its way to {email}.',
  linkFailed: 'The link could not be sent. Please try again later.',
  closed: {
    nothing: {
      title: 'Open billing from your account',
      body: 'You reach this page through a link in the product that you use. Go there and open billing.',
    },
    link: {
      title: 'This link no longer works',
      body: 'For your security, a billing link works only once and for a few minutes. Open billing from your account to get a new one.',
    },
    expired: {
      title: 'Your session has ended',
      body: 'Open billing from your account again to continue. Everything that you saved is kept.',
    },
    revoked: {
      title: 'Your session has ended',
      body: 'It was ended for your security. Open billing from your account again to continue.',
    },
    archived: {
      title: 'This account is closed',
      body: 'Its billing page is no longer available.',
    },
    signedOut: {
      title: 'You have signed out',
      body: 'You can close this page.',
    },
    unavailable: {
      title: 'Billing is unavailable right now',
      body: 'This is a problem on our side, and nothing was changed. Please try again in a moment.',
    },
    offline: {
      title: 'No connection',
      body: 'Check your connection and try again.',
    },
  },
};

/** Loads the other languages: each file of the folder is one, named by its tag. */
const LANGUAGES = import.meta.glob<Omit<Language, 'locale'>>('./*.ts', { base: './languages' });

/** Returns the language of `locale`, else the first that the browser prefers, else English. */
export async function languageFor(locale: string | null): Promise<Language> {
  const wanted = locale === null ? navigator.languages : [locale];
  for (const one of wanted) {
    const isSame = (tag: string) => languageOf(tag) === languageOf(one);
    if (isSame('en')) return { locale: one, texts: en };
    const name = Object.keys(LANGUAGES).find((path) => isSame(path.slice(2, -3)));
    // A language that fails to load must not keep the page from opening in English.
    const found = await LANGUAGES[name ?? '']?.().catch(() => null);
    if (found) return { locale: one, ...found };
  }
  return { locale: 'en', texts: en };
}
