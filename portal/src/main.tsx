/** Opens the session of the address and shows it. */
import '@unitpay/react/styles.css';
import './page.css';

import { createRoot } from 'react-dom/client';

import { logoOf, variablesOf } from './branding.js';
import { open } from './open.js';
import { Page } from './page.js';
import { languageFor } from './texts.js';

const opened = await open();
const [language, logo] = await Promise.all([languageFor(opened.locale), logoOf(opened.branding)]);

const { documentElement } = document;
documentElement.lang = language.messages?.language ?? 'en';
documentElement.dir = documentElement.lang === 'ar' ? 'rtl' : 'ltr';
document.title = [language.texts.title, opened.branding.name].filter(Boolean).join(' · ');
// By `setProperty`: the page's policy takes no `style` attribute.
for (const [name, value] of Object.entries(variablesOf(opened.branding))) {
  documentElement.style.setProperty(name, value);
}

const page = document.getElementById('page');
if (page) createRoot(page).render(<Page opened={opened} language={language} logo={logo} />);

// Another link in this tab's address bar opens another session, and no document by itself.
addEventListener('hashchange', () => {
  location.reload();
});
