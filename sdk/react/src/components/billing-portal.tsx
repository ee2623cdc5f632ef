import { useEffect, useState, type ComponentType } from 'react';

import type { Scope } from '../api-types.js';
import { useProfile } from '../hooks/customer.js';
import { usePortal } from '../react/context.js';
import { useI18n } from '../react/i18n.js';
import { Notice } from '../ui/elements.js';
import { defineComponent, useParts, type StyleProps } from '../ui/parts.js';
import { BillingDetails } from './billing-details.js';
import { CreditBalance } from './credit-balance.js';
import { InvoiceList } from './invoice-list.js';
import { PaymentMethods } from './payment-methods.js';
import { SubscriptionCard } from './subscription-card.js';
import { UsageChart } from './usage-chart.js';

/** What the portal opens with, from a deep link. */
export type Flow =
  | { type: 'change_plan'; subscriptionId?: string; planId?: string }
  | { type: 'cancel'; subscriptionId: string }
  | { type: 'pay_invoice'; invoiceId: string }
  | { type: 'add_payment_method' }
  | { type: 'top_up'; creditCurrencyId: string }
  | { type: 'billing_details' };

const SCOPES = {
  subscription: 'subscriptions:read',
  usage: 'usage:read',
  invoices: 'invoices:read',
  credits: 'credits:read',
  paymentMethods: 'payment_methods:read',
  details: 'customer:read',
} as const satisfies Record<string, Scope>;

export type Section = keyof typeof SCOPES;

const ALL = Object.keys(SCOPES) as Section[];

/** Side by side where there is room. */
const COLUMNS: readonly (readonly Section[])[] = [
  ['subscription', 'usage', 'invoices'],
  ['credits', 'paymentMethods', 'details'],
];

export interface BillingPortalProps extends StyleProps {
  /** Which, and in which order within their columns. Default: all that the session may see. */
  sections?: readonly Section[] | undefined;
  flow?: Flow | undefined;
  onFlowEnd?: ((reason: 'completed' | 'canceled') => void) | undefined;
}

/** The whole portal: every section that the session may see. */
export const BillingPortal: ComponentType<BillingPortalProps> = /* @__PURE__ */ defineComponent(
  'BillingPortal',
  null,
  function BillingPortal({ sections = ALL, flow }) {
    const p = useParts();
    const { session } = usePortal();
    if (session?.endError) return <Ended />;
    const shown = sections.filter((section) => !session || session.can(SCOPES[section]));
    return (
      <div {...p('portal')}>
        <Head />
        {shown.length === 0 ? <Nothing /> : null}
        <div {...p('columns')}>
          {COLUMNS.map((column) => {
            const here = shown.filter((section) => column.includes(section));
            return here.length === 0 ? null : (
              <div key={column.join()} {...p('column')}>
                {here.map((section) => (
                  <One key={section} section={section} flow={flow} />
                ))}
              </div>
            );
          })}
        </div>
      </div>
    );
  },
);

function One({ section, flow }: { section: Section; flow: Flow | undefined }) {
  switch (section) {
    case 'subscription':
      return <SubscriptionCard {...subscriptionFlow(flow)} />;
    case 'usage':
      return <UsageChart />;
    case 'credits':
      return (
        <CreditBalance topUpOf={flow?.type === 'top_up' ? flow.creditCurrencyId : undefined} />
      );
    case 'invoices':
      return <InvoiceList invoiceId={flow?.type === 'pay_invoice' ? flow.invoiceId : undefined} />;
    case 'paymentMethods':
      return <PaymentMethods initial={flow?.type === 'add_payment_method' ? 'add' : undefined} />;
    case 'details':
      return <BillingDetails initial={flow?.type === 'billing_details' ? 'edit' : undefined} />;
  }
}

function subscriptionFlow(flow: Flow | undefined) {
  if (flow?.type === 'change_plan')
    return { initial: 'change', subscriptionId: flow.subscriptionId } as const;
  if (flow?.type === 'cancel')
    return { initial: 'cancel', subscriptionId: flow.subscriptionId } as const;
  return {};
}

function Head() {
  const p = useParts();
  const { t } = useI18n();
  const { session } = usePortal();
  const isOffline = useLasting(session?.state === 'degraded');
  return (
    <header {...p('portal-head')}>
      <h1 {...p('portal-title')}>{t('portal.title')}</h1>
      {session?.can('customer:read') ? <Name /> : null}
      <div {...p('live')} role="status">
        {isOffline ? <Notice tone="warn">{t('portal.offline')}</Notice> : null}
      </div>
    </header>
  );
}

function Name() {
  const p = useParts();
  const { customer } = useProfile();
  return (
    <p {...p('portal-name')}>
      <bdi>{customer?.name ?? '\u00a0'}</bdi>
    </p>
  );
}

function Nothing() {
  const p = useParts();
  const { t } = useI18n();
  return <p {...p('text', 'muted')}>{t('portal.empty')}</p>;
}

/** Only once it has lasted for a moment: a refresh that failed once is nobody's business. */
function useLasting(isSo: boolean): boolean {
  const [hasLasted, setLasted] = useState(false);
  useEffect(() => {
    if (!isSo) return undefined;
    const timer = setTimeout(() => {
      setLasted(true);
    }, 1500);
    return () => {
      clearTimeout(timer);
      setLasted(false);
    };
  }, [isSo]);
  return hasLasted;
}

function Ended() {
  const p = useParts();
  const { t } = useI18n();
  const { session } = usePortal();
  const isRevoked = session?.endError?.code === 'session_revoked';
  const key =
    session?.state === 'signed_out'
      ? 'portal.ended.signedOut'
      : isRevoked
        ? 'portal.ended.revoked'
        : 'portal.ended.expired';
  return (
    <section {...p('ended')} role="alert">
      <h1 {...p('title')}>{t('portal.ended.title')}</h1>
      <p {...p('text', 'muted')}>{t(key)}</p>
    </section>
  );
}
