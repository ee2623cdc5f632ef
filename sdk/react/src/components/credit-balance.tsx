import { useState, type ComponentType } from 'react';

import type { CreditAccount, CreditCurrency } from '../api-types.js';
import { useCreditAccounts, useCreditCurrencies } from '../hooks/credits.js';
import { usePortal } from '../react/context.js';
import { useI18n } from '../react/i18n.js';
import { Actions, Button, Card, Dialog, Loaded, Notice, Status } from '../ui/elements.js';
import { defineComponent, useParts, type StyleProps } from '../ui/parts.js';
import { LedgerTable } from './ledger-table.js';
import { AutoTopUpForm, TopUpForm } from './top-up.js';

export interface CreditBalanceProps extends StyleProps {
  /** Opens the purchase of these credits at once. */
  topUpOf?: string | undefined;
}

/** Each wallet: what is in it, how to fill it, how it got there. */
export const CreditBalance: ComponentType<CreditBalanceProps> = /* @__PURE__ */ defineComponent(
  'CreditBalance',
  'credits:read',
  function CreditBalance({ topUpOf }) {
    const p = useParts();
    const { t } = useI18n();
    const { accounts, ...read } = useCreditAccounts();
    const listed = useCreditCurrencies();
    const unopened = listed.currencies.filter(
      ({ id }) => !accounts.some((account) => account.creditCurrencyId === id),
    );
    const both = { ...read, isLoading: read.isLoading || listed.isLoading };
    const isEmpty = accounts.length === 0 && unopened.length === 0;
    return (
      <Card title={t('credits.title')}>
        <Loaded read={both} lines={3} empty={isEmpty && t('credits.none')}>
          <ul {...p('wallets')}>
            {accounts.map((account) => (
              <Wallet
                key={account.id}
                account={account}
                currency={{ ...account.currency, id: account.creditCurrencyId }}
                isOpen={topUpOf === account.creditCurrencyId}
              />
            ))}
            {unopened.map((currency) => (
              <Wallet key={currency.id} currency={currency} isOpen={topUpOf === currency.id} />
            ))}
          </ul>
        </Loaded>
      </Card>
    );
  },
);

export type WalletCurrency = Pick<
  CreditCurrency,
  'id' | 'name' | 'denomination' | 'minorUnitScale'
>;

interface WalletProps {
  account?: CreditAccount;
  currency: WalletCurrency;
  isOpen: boolean;
}

function Wallet({ account, currency, isOpen }: WalletProps) {
  const p = useParts();
  const { t, credits } = useI18n();
  const { session } = usePortal();
  const [open, setOpen] = useState<'topUp' | 'auto' | 'ledger' | null>(isOpen ? 'topUp' : null);
  const [done, setDone] = useState<string | null>(null);
  const close = (text: string | null = null) => {
    setOpen(null);
    setDone(text);
  };
  const isFrozen = account?.status === 'frozen';
  const mayWrite = (session?.can('credits:write') ?? false) && !isFrozen;
  const auto = account?.autoTopUp;
  return (
    <li {...p('wallet')}>
      <p {...p('label')}>{currency.name}</p>
      <p {...p('figure')}>{credits(account?.balance ?? 0, { ...currency, name: '' })}</p>
      <Status>{done}</Status>
      {isFrozen ? <Notice tone="warn">{t('credits.frozen')}</Notice> : null}
      {account && account.grants.length > 0 ? <Grants account={account} /> : null}
      {account && mayWrite ? (
        <p {...p('item')}>
          <span {...p('item-text')}>
            <span {...p('item-name')}>{t('credits.auto')}</span>
            <span {...p('item-detail')}>
              {auto?.enabled
                ? t('credits.autoOn', { threshold: credits(auto.threshold, currency) })
                : t('credits.autoOff')}
            </span>
          </span>
          <Button
            kind="plain"
            aria-label={t('credits.auto')}
            onClick={() => {
              setOpen('auto');
            }}
          >
            {t('action.edit')}
          </Button>
        </p>
      ) : null}
      <Actions>
        {account ? (
          <Button
            kind="plain"
            onClick={() => {
              setOpen('ledger');
            }}
          >
            {t('credits.ledger')}
          </Button>
        ) : null}
        {mayWrite ? (
          <Button
            aria-label={t('credits.topUpOf', { name: currency.name })}
            onClick={() => {
              setOpen('topUp');
            }}
          >
            {t('credits.topUp')}
          </Button>
        ) : null}
      </Actions>
      {open === 'topUp' ? (
        <Dialog
          title={t('credits.topUpOf', { name: currency.name })}
          onClose={() => {
            close();
          }}
        >
          <TopUpForm currency={currency} onClose={close} />
        </Dialog>
      ) : null}
      {open === 'auto' ? (
        <Dialog
          title={t('credits.auto')}
          onClose={() => {
            close();
          }}
        >
          <AutoTopUpForm currency={currency} onClose={close} />
        </Dialog>
      ) : null}
      {open === 'ledger' && account ? (
        <Dialog
          title={t('ledger.title')}
          onClose={() => {
            close();
          }}
        >
          <LedgerTable accountId={account.id} />
        </Dialog>
      ) : null}
    </li>
  );
}

const SOURCES = ['plan', 'daily', 'rollover', 'package', 'top_up', 'promotional'] as const;

function Grants({ account }: { account: CreditAccount }) {
  const p = useParts();
  const { t, credits, date } = useI18n();
  return (
    <details {...p('details')}>
      <summary {...p('details-head')}>{t('credits.grants')}</summary>
      <ul {...p('lines')}>
        {account.grants.map(({ id, source, remaining, expiresAt }) => {
          const known = SOURCES.find((one) => one === source);
          return (
            <li key={id} {...p('line')}>
              <span {...p('line-text')}>
                {known ? t(`grant.${known}`) : source}
                <small {...p('line-detail')}>
                  {expiresAt ? t('credits.expires', { date: date(expiresAt) }) : t('credits.never')}
                </small>
              </span>
              <span {...p('line-amount')}>{credits(remaining, account.currency)}</span>
            </li>
          );
        })}
      </ul>
    </details>
  );
}
