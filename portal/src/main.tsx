/** Opens the session that the address names and renders the page. */
import '@unitpay/react/styles.css';
import './page.css';

import { createRoot } from 'react-dom/client';

import { sid } from './boot.js';
import { takeOutcome } from './handover.js';
import { dress } from './look.js';
import { open } from './open.js';
import { Page } from './page.js';

const opened = await open();
const outcome = takeOutcome(sid);
// The entry is new, but the portal that it shows is the one that was left.
if (outcome) history.replaceState(outcome.state, '');
const { language, logo } = await dress(opened.locale, opened.branding);

const page = document.getElementById('page');
if (page) {
  const root = createRoot(page);
  const shown = { opened, language, logo, outcome };
  if (opened.invoice) {
    // Not awaited: the chunk waits for the page's own.
    void import('./invoice.js').then(({ InvoicePage }) => {
      root.render(<InvoicePage {...shown} />);
    });
  } else root.render(<Page {...shown} />);
}

// Opening another link in the same tab changes only the hash, so the page reloads for its session.
addEventListener('hashchange', () => {
  location.reload();
});
