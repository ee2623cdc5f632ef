/** Opens the session that the address names and renders the page. */
import '@unitpay/react/styles.css';
import './page.css';

import { createRoot } from 'react-dom/client';

import { directionOf } from '../../sdk/react/src/react/i18n.js';
import { logoOf, variablesOf } from './branding.js';
import { sid } from './boot.js';
import { takeOutcome } from './handover.js';
import { open } from './open.js';
import { Page } from './page.js';
import { languageFor } from './texts.js';

const opened = await open();
const outcome = takeOutcome(sid);
// The entry is new, but the portal that it shows is the one that was left.
if (outcome) history.replaceState(outcome.state, '');
const [language, logo] = await Promise.all([languageFor(opened.locale), logoOf(opened.branding)]);

const { documentElement } = document;
documentElement.lang = language.messages?.language ?? 'en';
documentElement.dir = directionOf(documentElement.lang);
document.title = [language.texts.title, opened.branding.name].filter(Boolean).join(' · ');
// The page's policy refuses `style` attributes.
for (const [name, value] of Object.entries(variablesOf(opened.branding))) {
  documentElement.style.setProperty(name, value);
}

const page = document.getElementById('page');
if (page) {
  createRoot(page).render(
    <Page opened={opened} language={language} logo={logo} outcome={outcome} />,
  );
}

// Opening another link in the same tab changes only the hash, so the page reloads for its session.
addEventListener('hashchange', () => {
  location.reload();
});
