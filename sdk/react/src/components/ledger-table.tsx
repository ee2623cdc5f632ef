import type { ComponentType } from 'react';

import type { LedgerEntry } from '../api-types.js';
import { useCreditAccounts, useCreditLedger } from '../hooks/credits.js';
import { Loaded, More } from '../ui/elements.js';
import { defineComponent, useUi, type StyleProps } from '../ui/parts.js';
import { Table, type Column } from '../ui/table.js';

/** The props of {@link LedgerTable}. */
export interface LedgerTableProps extends StyleProps {
  accountId: string;
}

/** Everything that happened to a wallet, newest first. */
export const LedgerTable: ComponentType<LedgerTableProps> = /* @__PURE__ */ defineComponent(
  'credits:read',
  function LedgerTable({ accountId }) {
    const { t, date, credits, number } = useUi();
    const { entries, ...list } = useCreditLedger(accountId);
    const { accounts } = useCreditAccounts();
    const currency = accounts.find(({ id }) => id === accountId)?.currency;
    const amount = (value: number) =>
      currency ? credits(value, { ...currency, name: '' }) : number(value);
    const columns: Column<LedgerEntry>[] = [
      { key: 'date', label: t('invoices.date'), cell: ({ createdAt }) => date(createdAt) },
      {
        key: 'entry',
        label: t('ledger.entry'),
        cell: ({ type, description }) => description ?? t(`ledger.${type}`),
      },
      {
        key: 'amount',
        label: t('invoices.amount'),
        isNumber: true,
        cell: (entry) => `${entry.amount > 0 ? '+' : ''}${amount(entry.amount)}`,
      },
      {
        key: 'balance',
        label: t('ledger.balance'),
        isNumber: true,
        cell: ({ balanceAfter }) => amount(balanceAfter),
      },
    ];
    return (
      <Loaded read={list} lines={8} empty={entries.length === 0 && t('credits.none')}>
        <Table
          label={t('credits.ledger')}
          columns={columns}
          rows={entries}
          keyOf={({ id }) => id}
        />
        <More list={list} />
      </Loaded>
    );
  },
);
