import { useState, type ComponentType } from 'react';

import type { Invoice, InvoiceStatus } from '../api-types.js';
import { useInvoices } from '../hooks/invoices.js';
import { useCan } from '../react/session.js';
import { Badge, Button, Card, Failure, Loaded, More, Status } from '../ui/elements.js';
import { Table, type Column } from '../ui/table.js';
import { defineComponent, useNotice, useUi, type StyleProps } from '../ui/parts.js';
import { useFlow, type FlowProps } from './flow.js';
import { InvoiceDialog } from './lazy-forms.js';
import { isPayable, useDownload, usePaying } from './paying.js';

const TONES: Record<InvoiceStatus, 'good' | 'warn' | 'bad' | 'quiet'> = {
  draft: 'quiet',
  issued: 'warn',
  partially_paid: 'warn',
  paid: 'good',
  overdue: 'bad',
  void: 'quiet',
  uncollectible: 'bad',
};

/** The props of {@link InvoiceList}. */
export interface InvoiceListProps extends StyleProps, FlowProps {}

/** The invoices, each with its PDF; open ones can be paid. */
export const InvoiceList: ComponentType<InvoiceListProps> = /* @__PURE__ */ defineComponent(
  'invoices:read',
  function InvoiceList(props) {
    const { t } = useUi();
    const list = useInvoices();
    const { invoices, downloadPdf } = list;
    const [flow, endFlow] = useFlow(props, 'pay_invoice');
    const [shownId, setShownId] = useState(flow?.invoiceId ?? null);
    const [done, setDone] = useNotice();
    const paying = usePaying(setDone);
    const { download, error } = useDownload();
    const columns = useColumns({
      show: setShownId,
      pay: (invoice) => {
        setDone(null);
        paying.start(invoice);
      },
      download: (id) => {
        download(() => downloadPdf(id));
      },
    });
    return (
      <Card title={t('invoices.title')}>
        <Status>{done}</Status>
        <Failure error={error} />
        <Loaded
          read={list}
          lines={8}
          empty={invoices.length === 0 && t('invoices.none')}
          has={invoices.length > 0}
        >
          <Table
            label={t('invoices.title')}
            columns={columns}
            rows={invoices}
            keyOf={({ id }) => id}
          />
          <More list={list} />
        </Loaded>
        {paying.dialog}
        {shownId ? (
          <InvoiceDialog
            id={shownId}
            onClose={(text) => {
              setShownId(null);
              if (text) setDone(text);
              endFlow(text !== undefined);
            }}
          />
        ) : null}
      </Card>
    );
  },
);

interface RowActions {
  show: (id: string) => void;
  pay: (invoice: Invoice) => void;
  download: (id: string) => void;
}

function useColumns({ show, pay, download }: RowActions): Column<Invoice>[] {
  const { p, t, date, money } = useUi();
  const mayPay = useCan('invoices:pay');
  const numberOf = ({ id, invoiceNumber }: Invoice) =>
    invoiceNumber === null ? (
      t('invoice.draft')
    ) : (
      <Button
        kind="link"
        aria-label={t('invoices.show', { number: invoiceNumber })}
        onClick={() => {
          show(id);
        }}
      >
        {invoiceNumber}
      </Button>
    );
  const actions = (invoice: Invoice) => {
    const number = invoice.invoiceNumber ?? '';
    const amount = money(invoice.amountDue, invoice.currency);
    return (
      <span {...p('row-actions')}>
        {mayPay && isPayable(invoice) ? (
          <Button
            kind="primary"
            aria-label={t('invoices.payOf', { amount, number })}
            onClick={() => {
              pay(invoice);
            }}
          >
            {t('invoices.pay', { amount })}
          </Button>
        ) : null}
        {invoice.invoiceNumber ? (
          <Button
            kind="plain"
            aria-label={t('invoices.pdfOf', { number })}
            onClick={() => {
              download(invoice.id);
            }}
          >
            {t('invoices.pdf')}
          </Button>
        ) : null}
      </span>
    );
  };
  return [
    { key: 'number', label: t('invoices.number'), cell: numberOf },
    {
      key: 'date',
      label: t('invoices.date'),
      cell: ({ issuedAt, createdAt }) => date(issuedAt ?? createdAt),
    },
    {
      key: 'status',
      label: t('invoices.status'),
      cell: ({ status }) => <Badge tone={TONES[status]}>{t(`invoice.${status}`)}</Badge>,
    },
    {
      key: 'amount',
      label: t('invoices.amount'),
      isNumber: true,
      cell: ({ totalAmount, currency }) => money(totalAmount, currency),
    },
    { key: 'actions', label: t('invoices.actions'), isQuiet: true, cell: actions },
  ];
}
