/** What the page itself says. `{name}` stands for the organization's name. */
import type { Messages } from '@unitpay/react';

import type { Closed } from './open.js';

export interface Texts {
  title: string;
  back: string;
  backTo: string;
  signOut: string;
  signOutFailed: string;
  questions: string;
  retry: string;
  closed: Record<Closed, { title: string; body: string }>;
}

export interface Language {
  /** BCP 47. */
  locale: string;
  texts: Texts;
  /** The package's own texts; nothing for English, which it has in it. */
  messages?: Messages;
}

const en: Texts = {
  title: 'Billing',
  back: 'Back',
  backTo: 'Back to {name}',
  signOut: 'Sign out',
  signOutFailed: 'You are still signed in: the server cannot be reached.',
  questions: 'Questions about your bill?',
  retry: 'Try again',
  closed: {
    nothing: {
      title: 'Open billing from your account',
      body: 'This page opens by a link in the product that you use. Go there and choose billing.',
    },
    link: {
      title: 'This link no longer works',
      body: 'For your safety, a link to billing opens once and within a few minutes. Open billing from your account again to get a new one.',
    },
    expired: {
      title: 'Your session has ended',
      body: 'Open billing from your account again to go on. Nothing that you saved is lost.',
    },
    revoked: {
      title: 'Your session has ended',
      body: 'It was ended for your safety. Open billing from your account again to go on.',
    },
    archived: {
      title: 'This account is closed',
      body: 'Its billing page cannot be opened any more.',
    },
    signedOut: {
      title: 'You have signed out',
      body: 'You can close this page.',
    },
    unavailable: {
      title: 'Billing cannot be shown now',
      body: 'The fault is ours, and nothing was changed. Please try again in a moment.',
    },
    offline: {
      title: 'No connection',
      body: 'Billing could not be reached. Check your connection and try again.',
    },
  },
};

const FURTHER: Record<string, (() => Promise<Omit<Language, 'locale'>>) | undefined> = {
  de: () => import('./languages/de.js'),
  ar: () => import('./languages/ar.js'),
};

/** The language of the locale that was set, else the first of the browser's, else English. */
export async function languageFor(locale: string | null): Promise<Language> {
  const wanted = locale === null ? navigator.languages : [locale];
  for (const one of wanted) {
    const name = one.toLowerCase().split('-', 1)[0] ?? '';
    if (name === 'en') return { locale: one, texts: en };
    // Where it cannot be loaded, English is better than nothing.
    const found = await FURTHER[name]?.().catch(() => null);
    if (found) return { locale: one, ...found };
  }
  return { locale: 'en', texts: en };
}
