/**
 * The page of a link to one invoice: read, PDF, pay. Its session reaches nothing else and ends with the
 * debt, so the server is asked for the reason when it has ended.
 */
import { useState, type ComponentType } from 'react';

import { isPayable, useDownload, usePaying } from '../../sdk/react/src/components/paying.js';
import { Lines } from '../../sdk/react/src/components/lazy-forms.js';
import { useInvoice } from '../../sdk/react/src/hooks/invoices.js';
import { UnitPayProvider } from '../../sdk/react/src/react/provider.js';
import { usePortalSession } from '../../sdk/react/src/react/session.js';
import { Actions, Button, Card, Failure, Loaded } from '../../sdk/react/src/ui/elements.js';
import { defineComponent, useUi, type StyleProps } from '../../sdk/react/src/ui/parts.js';
import { exchange } from './boot.js';
import { Frame } from './frame.js';
import { whyClosed, type Body, type Closed } from './open.js';
import { ClosedPage, SignOut, type Shown } from './page.js';
import { Returned } from './returned.js';
import type { InvoiceTexts } from './texts.js';

const en: InvoiceTexts = {
  paid: { title: 'This invoice is paid', body: 'Thank you. There is nothing left to pay.' },
  void: { title: 'This invoice was canceled', body: 'There is nothing to pay.' },
  link: {
    title: 'This link no longer works',
    body: 'A link to an invoice works for some weeks, and until the invoice is paid. A newer e-mail about it may have another one.',
  },
  ended: {
    title: 'Your session has ended',
    body: 'Open the link in the e-mail again to continue.',
  },
};

/** The reason for which there is no session. */
interface End {
  why: Closed;
  status?: 'paid' | 'void' | undefined;
}

/** Asks the server why a session has ended: most often because its invoice is paid. */
async function findEnd(): Promise<End> {
  const answer = await exchange({ sid: location.hash.slice(1) });
  const body: Body = answer?.body ?? {};
  return { why: whyClosed(answer, body), status: body.invoiceStatus };
}

export function InvoicePage(shown: Shown) {
  const { opened } = shown;
  const [end, setEnd] = useState<End | null>(
    'closed' in opened ? { why: opened.closed, status: opened.invoice?.status } : null,
  );
  if (end || 'closed' in opened) return <Ended {...shown} end={end ?? { why: 'nothing' }} />;
  const { messages, locale } = shown.language;
  return (
    <UnitPayProvider
      portalToken={opened.token}
      initialData={opened.data}
      locale={locale}
      messages={messages}
      config={{
        onSessionExpired: () => {
          void findEnd().then(setEnd);
        },
      }}
    >
      <Live {...shown} id={opened.invoice?.id ?? ''} />
    </UnitPayProvider>
  );
}

function Ended({ end: { why, status }, ...shown }: Shown & { end: End }) {
  const texts = shown.language.invoice ?? en;
  const own: Partial<Record<Closed, InvoiceTexts['link']>> = {
    link: texts.link,
    expired: texts.ended,
  };
  return <ClosedPage {...shown} why={why} text={status ? texts[status] : own[why]} />;
}

function Live({ id, ...shown }: Shown & { id: string }) {
  const { state } = usePortalSession();
  const { outcome } = shown;
  if (state === 'signed_out') return <ClosedPage {...shown} why="signedOut" />;
  return (
    <Frame {...shown} branding={shown.opened.branding} actions={<SignOut {...shown} />}>
      {state === 'expired' ? null : (
        <div className="form">
          {outcome?.intentId === undefined ? null : (
            <Returned outcome={outcome} onEnd={() => undefined} />
          )}
          <OneInvoice id={id} headingLevel={1} />
        </div>
      )}
    </Frame>
  );
}

interface OneInvoiceProps extends StyleProps {
  id: string;
}

const OneInvoice: ComponentType<OneInvoiceProps> = defineComponent(
  null,
  function OneInvoice({ id }: OneInvoiceProps) {
    const { p, t, date, money } = useUi();
    const { invoice, downloadPdf, ...read } = useInvoice(id);
    const { download, error } = useDownload();
    // The session ends with the payment, and the page says so.
    const paying = usePaying(() => undefined);
    const number = invoice?.invoiceNumber ?? '';
    const due = invoice && money(invoice.amountDue, invoice.currency);
    return (
      <Card title={t('invoices.of', { number })} detail={due ?? false}>
        <Loaded read={read} lines={8} has={invoice !== null}>
          {invoice ? (
            <>
              <p {...p('text', 'muted')}>
                {[
                  date(invoice.issuedAt ?? invoice.createdAt),
                  invoice.dueDate
                    ? t('invoices.due', { date: date(invoice.dueDate) })
                    : t(`invoice.${invoice.status}`),
                ].join(' · ')}
              </p>
              <Lines {...invoice} items={invoice.items ?? []} total={t('change.total')} />
            </>
          ) : null}
        </Loaded>
        <Failure error={error} />
        {invoice ? (
          <Actions>
            <Button
              onClick={() => {
                download(downloadPdf);
              }}
              aria-label={t('invoices.pdfOf', { number })}
            >
              {t('invoices.pdf')}
            </Button>
            {isPayable(invoice) ? (
              <Button
                kind="primary"
                onClick={() => {
                  paying.start(invoice);
                }}
              >
                {t('invoices.pay', { amount: due ?? '' })}
              </Button>
            ) : null}
          </Actions>
        ) : null}
        {paying.dialog}
      </Card>
    );
  },
);
