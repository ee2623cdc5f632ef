import { useState, type ComponentType } from 'react';

import type { CreditAccount, Feature } from '../api-types.js';
import { useCreditAccounts, useCreditCurrencies } from '../hooks/credits.js';
import { useIsPaidIn } from '../hooks/customer.js';
import { useAll } from '../react/read.js';
import { useCan } from '../react/session.js';
import { Actions, Button, Card, Details, Dialog, Loaded, Notice, Status } from '../ui/elements.js';
import { defineComponent, useNotice, useUi, type StyleProps } from '../ui/parts.js';
import { useFlow, type FlowProps } from './flow.js';
import type { WalletCurrency } from './purchase.js';
import { AutoTopUpForm, LedgerTable, TopUpForm } from './lazy-forms.js';

/** The props of {@link CreditBalance}. */
export interface CreditBalanceProps extends StyleProps, FlowProps {}

/** Each wallet: what is in it, how to fill it, how it got there. */
export const CreditBalance: ComponentType<CreditBalanceProps> = /* @__PURE__ */ defineComponent(
  'credits:read',
  function CreditBalance(props) {
    const { p, t } = useUi();
    const { accounts, ...read } = useCreditAccounts();
    const listed = useCreditCurrencies();
    const [flow, endFlow] = useFlow(props, 'top_up');
    const mayBuy = useCan('credits:write');
    const opened = accounts.map((account) => ({
      account,
      currency: listed.currencies.find(({ id }) => id === account.creditCurrencyId) ?? {
        ...account.currency,
        id: account.creditCurrencyId,
      },
    }));
    const isPaidIn = useIsPaidIn();
    const unopened = listed.currencies.filter(
      ({ id, denomination }) =>
        mayBuy &&
        (denomination === 'unit' || isPaidIn(denomination)) &&
        !opened.some(({ currency }) => currency.id === id),
    );
    // One list by one key, so that a wallet stays where it is when its first credits are bought.
    const wallets: { account?: CreditAccount; currency: WalletCurrency }[] = [
      ...opened,
      ...unopened.map((currency) => ({ currency })),
    ];
    const both = { ...read, isLoading: read.isLoading || listed.isLoading };
    const isEmpty = wallets.length === 0;
    return (
      <Card title={t('credits.title')}>
        <Loaded read={both} lines={11} empty={isEmpty && t('credits.none')} has={!isEmpty}>
          <ul {...p('wallets')}>
            {wallets.map((wallet) => (
              <Wallet
                key={wallet.currency.id}
                {...wallet}
                isOpen={flow?.creditCurrencyId === wallet.currency.id}
                endFlow={endFlow}
              />
            ))}
          </ul>
        </Loaded>
      </Card>
    );
  },
);

interface WalletProps {
  account?: CreditAccount;
  currency: WalletCurrency;
  /** To buy, as a deep link wants. */
  isOpen: boolean;
  endFlow: (isDone: boolean) => void;
}

function Wallet({ account, currency, isOpen, endFlow }: WalletProps) {
  const { p, t, credits } = useUi();
  const [open, setOpen] = useState<'topUp' | 'auto' | 'ledger' | null>(isOpen ? 'topUp' : null);
  const [done, setDone] = useNotice();
  const close = (text: string | null = null) => {
    setOpen(null);
    setDone(text);
    endFlow(text !== null);
  };
  const isFrozen = account?.status === 'frozen';
  const mayWrite = useCan('credits:write') && !isFrozen;
  const auto = account?.autoTopUp;
  return (
    <li {...p('wallet')}>
      <p {...p('label')}>{currency.name}</p>
      <p {...p('figure')}>{credits(account?.balance ?? 0, { ...currency, name: '' })}</p>
      {account && !isFrozen ? <Enough account={account} /> : null}
      <Status>{done}</Status>
      {isFrozen ? <Notice tone="warn">{t('credits.frozen')}</Notice> : null}
      {account && account.grants.length > 0 ? <Grants account={account} /> : null}
      {account && mayWrite ? (
        <div {...p('item')}>
          <span {...p('item-text')}>
            <span {...p('item-name')}>{t('credits.auto')}</span>
            <span {...p('item-detail')}>
              {auto?.enabled
                ? auto.paused
                  ? t('credits.autoPaused')
                  : t('credits.autoOn', { threshold: credits(auto.threshold, currency) })
                : t('credits.autoOff')}
            </span>
          </span>
          <Button
            kind="plain"
            aria-label={`${t('action.edit')}: ${t('credits.auto')}`}
            onClick={() => {
              setOpen('auto');
            }}
          >
            {t('action.edit')}
          </Button>
        </div>
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
            aria-label={`${t('credits.topUp')}: ${currency.name}`}
            onClick={() => {
              setOpen('topUp');
            }}
          >
            {t('credits.topUp')}
          </Button>
        ) : null}
      </Actions>
      {open === 'topUp' ? (
        <Dialog title={t('credits.topUpOf', { name: currency.name })} onClose={close}>
          <TopUpForm currency={currency} onClose={close} />
        </Dialog>
      ) : null}
      {open === 'auto' ? (
        <Dialog title={t('credits.auto')} onClose={close}>
          <AutoTopUpForm currency={currency} onClose={close} />
        </Dialog>
      ) : null}
      {open === 'ledger' && account ? (
        <Dialog title={`${currency.name}: ${t('credits.ledger')}`} isWide onClose={close}>
          <LedgerTable accountId={account.id} />
        </Dialog>
      ) : null}
    </li>
  );
}

/** Features of a wallet that are named; more would be a list to read. */
const MOST_FEATURES = 3;

/** Says what the balance buys: the uses of each feature that costs these credits. */
function Enough({ account }: { account: CreditAccount }) {
  const { p, t, number, locale } = useUi();
  const { features } = useAll<'features', Feature>('features', 'catalog', '/features');
  const { balance, creditCurrencyId } = account;
  const uses = features
    .filter((one) => one.creditCurrencyId === creditCurrencyId && Number(one.creditCost) > 0)
    .map(({ name, creditCost }) => [Math.floor(balance / Number(creditCost)), name] as const)
    .filter(([count]) => count > 0)
    .slice(0, MOST_FEATURES)
    .map(([count, name]) => `${number(count)} × ${name}`);
  if (uses.length === 0) return null;
  const list = new Intl.ListFormat(locale, { type: 'disjunction' }).format(uses);
  return <p {...p('text', 'muted')}>{t('credits.enough', { list })}</p>;
}

function Grants({ account }: { account: CreditAccount }) {
  const { p, t, credits, date } = useUi();
  return (
    <Details summary={t('credits.grants')}>
      <ul {...p('lines')}>
        {account.grants.map(({ id, source, remaining, expiresAt }) => {
          return (
            <li key={id} {...p('line')}>
              <span {...p('line-text')}>
                {t(`grant.${source}`)}
                <small {...p('line-detail')}>
                  {expiresAt ? t('credits.expires', { date: date(expiresAt) }) : t('credits.never')}
                </small>
              </span>
              <span {...p('line-amount')}>{credits(remaining, account.currency)}</span>
            </li>
          );
        })}
      </ul>
    </Details>
  );
}
