import { useState, type ComponentType } from 'react';

import type { Invoice, InvoiceStatus } from '../api-types.js';
import type { ApiError } from '../core/errors.js';
import { useInvoices, usePayInvoice } from '../hooks/invoices.js';
import { usePortal } from '../react/context.js';
import { useI18n } from '../react/i18n.js';
import {
  Badge,
  Button,
  Card,
  Dialog,
  Failure,
  Loaded,
  More,
  Status,
  Table,
  type Column,
} from '../ui/elements.js';
import { defineComponent, useParts, type StyleProps } from '../ui/parts.js';
import { useSettling } from './settling.js';

const TONES: Record<InvoiceStatus, 'good' | 'warn' | 'bad' | 'quiet'> = {
  draft: 'quiet',
  issued: 'warn',
  partially_paid: 'warn',
  paid: 'good',
  overdue: 'bad',
  void: 'quiet',
  uncollectible: 'bad',
};

export interface InvoiceListProps extends StyleProps {
  /** Offers to pay it at once. */
  invoiceId?: string | undefined;
}

/** What was billed: each invoice with its PDF, and the open ones with a way to pay. */
export const InvoiceList: ComponentType<InvoiceListProps> = /* @__PURE__ */ defineComponent(
  'InvoiceList',
  'invoices:read',
  function InvoiceList() {
    const { t } = useI18n();
    const list = useInvoices();
    const { invoices, downloadPdf } = list;
    const [failure, setFailure] = useState<ApiError | null>(null);
    const pay = usePaying();
    const columns = useColumns({
      pay: pay.start,
      payingId: pay.payingId,
      download: (id) => {
        setFailure(null);
        downloadPdf(id).catch(setFailure);
      },
    });
    return (
      <Card title={t('invoices.title')}>
        <Status>{pay.done}</Status>
        <Failure error={failure ?? pay.error} />
        <Loaded read={list} lines={4} empty={invoices.length === 0 && t('invoices.none')}>
          <Table
            label={t('invoices.title')}
            columns={columns}
            rows={invoices}
            keyOf={({ id }) => id}
          />
          <More list={list} />
        </Loaded>
        {pay.dialog}
      </Card>
    );
  },
);

function usePaying() {
  const { t } = useI18n();
  const [paying, setPaying] = useState<Invoice | null>(null);
  const [done, setDone] = useState<string | null>(null);
  const { payInvoice, isPending, error } = usePayInvoice();
  const close = () => {
    setPaying(null);
  };
  const { take, form } = useSettling(() => {
    setDone(t('invoices.paid', { number: paying?.invoiceNumber ?? '' }));
    close();
  }, close);
  const start = (invoice: Invoice) => {
    setPaying(invoice);
    setDone(null);
    payInvoice(invoice.id).then(take, () => undefined);
  };
  const dialog = form ? (
    <Dialog title={t('form.confirmTitle')} onClose={close}>
      {form}
    </Dialog>
  ) : null;
  return { start, dialog, done, error, payingId: isPending ? paying?.id : undefined };
}

interface RowActions {
  pay: (invoice: Invoice) => void;
  payingId: string | undefined;
  download: (id: string) => void;
}

function useColumns({ pay, payingId, download }: RowActions): Column<Invoice>[] {
  const p = useParts();
  const { t, date, money } = useI18n();
  const { session } = usePortal();
  const mayPay = session?.can('invoices:pay') ?? false;
  const actions = (invoice: Invoice) => {
    const number = invoice.invoiceNumber ?? '';
    const amount = money(invoice.amountDue, invoice.currency);
    return (
      <span {...p('row-actions')}>
        {mayPay && isOpen(invoice) ? (
          <Button
            kind="primary"
            isBusy={payingId === invoice.id}
            aria-label={t('invoices.payOf', { amount, number })}
            onClick={() => {
              pay(invoice);
            }}
          >
            {t(payingId === invoice.id ? 'action.working' : 'invoices.pay', { amount })}
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
    {
      key: 'number',
      label: t('invoices.number'),
      cell: ({ invoiceNumber }) => invoiceNumber ?? t('invoices.draft'),
    },
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

function isOpen({ status, amountDue }: Invoice): boolean {
  const payable = ['issued', 'partially_paid', 'overdue', 'uncollectible'].includes(status);
  return payable && amountDue > 0;
}
