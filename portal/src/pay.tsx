/**
 * `/portal/pay`: Stripe's form in a document of its own, which has no session. Its policy lets Stripe's
 * hosts in, and no request go to this server.
 */
import '@unitpay/react/styles.css';
import './page.css';

import { QueryClient } from '@tanstack/react-query';
import { createRoot } from 'react-dom/client';

import { ElementForm } from '../../sdk/react/src/components/element-form.js';
import { pendingClient, PortalContext, type Portal } from '../../sdk/react/src/react/context.js';
import { Card } from '../../sdk/react/src/ui/elements.js';
import { defineComponent, useUi, type StyleProps } from '../../sdk/react/src/ui/parts.js';
import { Frame } from './frame.js';
import { leaveOutcome, readForm, type Handover } from './handover.js';
import { dress } from './look.js';

const base = location.pathname.replace(/\/portal\/pay\/?$/, '');
const address = `${base}/portal/pay`;
// A redirect of the bank comes back with the form's secret and with an outcome that anybody could
// have typed. Neither is read: Stripe is asked.
history.replaceState(null, '', address);

const handover = readForm();
const branding = handover?.branding ?? {};
const { language, logo } = await dress(handover?.locale ?? null, branding);

interface PayFormProps extends StyleProps {
  handover: Handover;
}

const PayForm = defineComponent<PayFormProps>(null, function PayForm({ handover: given }) {
  const { t } = useUi();
  const { client, amount } = given;
  const end = (intentId?: string) => {
    leaveOutcome(given, intentId);
    location.replace(`${base}/portal#${given.sid}`);
  };
  return (
    <Card title={t(client.type === 'setup' ? 'methods.add' : 'form.confirm')}>
      <ElementForm
        client={client}
        amount={amount}
        returnUrl={location.origin + address}
        onConfirmed={end}
        onCancel={() => {
          end();
        }}
      />
    </Card>
  );
});

/** Texts and colours, and no session. */
const portal: Portal = {
  session: null,
  opening: { error: null, isBusy: false, retry: () => Promise.resolve() },
  client: pendingClient,
  queryClient: new QueryClient(),
  appearance: {},
  locale: language.locale,
  timeZone: 'UTC',
  messages: language.messages ?? {},
  initialData: {},
  productId: undefined,
  stripe: undefined,
};

const { title, body } = language.texts.closed.nothing;
const page = document.getElementById('page');
if (page) {
  createRoot(page).render(
    <Frame branding={branding} logo={logo} language={language}>
      {handover ? (
        <PortalContext.Provider value={portal}>
          <div className="form">
            <h1 className="upay-portal-title">{language.texts.title}</h1>
            <PayForm handover={handover} />
          </div>
        </PortalContext.Provider>
      ) : (
        <section className="closed" role="alert">
          <h1>{title}</h1>
          <p>{body}</p>
        </section>
      )}
    </Frame>,
  );
}
