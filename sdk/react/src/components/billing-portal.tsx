import { useEffect, useState, type ComponentType } from 'react';

import type { Scope } from '../api-types.js';
import type { ApiError } from '../core/errors.js';
import type { PortalSession } from '../core/session.js';
import { useProfile } from '../hooks/customer.js';
import { usePortal } from '../react/context.js';
import { Button, Notice } from '../ui/elements.js';
import { defineComponent, useHeading, useUi, type StyleProps } from '../ui/parts.js';
import { AmountDue } from './amount-due.js';
import { BillingDetails } from './billing-details.js';
import { CreditBalance } from './credit-balance.js';
import type { FlowProps } from './flow.js';
import { InvoiceList } from './invoice-list.js';
import { PaymentMethods } from './payment-methods.js';
import { SubscriptionCard } from './subscription-card.js';
import { UsageChart } from './usage-chart.js';
import { UsageSummary } from './usage-summary.js';

/** A section of {@link BillingPortal}. */
export type Section =
  'subscription' | 'usage' | 'invoices' | 'credits' | 'paymentMethods' | 'details';

/** The scope and the component of each section. */
const SECTIONS: Record<Section, [scope: Scope, card: ComponentType<StyleProps & FlowProps>]> = {
  subscription: ['subscriptions:read', SubscriptionCard],
  usage: ['usage:read', Usage],
  invoices: ['invoices:read', InvoiceList],
  credits: ['credits:read', CreditBalance],
  paymentMethods: ['payment_methods:read', PaymentMethods],
  details: ['customer:read', BillingDetails],
};

function Usage() {
  return (
    <>
      <UsageSummary />
      <UsageChart />
    </>
  );
}

const ALL = Object.keys(SECTIONS) as Section[];

/** Columns, side by side in a wide container. */
const COLUMNS: readonly (readonly Section[])[] = [
  ['subscription', 'usage', 'invoices'],
  ['credits', 'paymentMethods', 'details'],
];

/** The props of {@link BillingPortal}. */
export interface BillingPortalProps extends StyleProps, FlowProps {
  /** The sections to show, in this order within their columns. Default: all. */
  sections?: readonly Section[] | undefined;
}

/** The whole portal: every section for which the session has the scope. */
export const BillingPortal: ComponentType<BillingPortalProps> = /* @__PURE__ */ defineComponent(
  null,
  function BillingPortal({ sections = ALL, flow, onFlowEnd }) {
    const { p } = useUi();
    const { session, opening } = usePortal();
    if (session?.endError) return <Ended />;
    if (!session && opening.error) return <Unopened error={opening.error} />;
    const shown = sections.filter((section) => !session || session.can(SECTIONS[section][0]));
    return (
      <div {...p('portal')}>
        <Head />
        {session ? <Limits session={session} isEmpty={shown.length === 0} /> : null}
        {shown.includes('invoices') ? <AmountDue /> : null}
        <div {...p('columns')}>
          {COLUMNS.map((column) => {
            const here = shown.filter((section) => column.includes(section));
            return here.length === 0 ? null : (
              <div key={column.join()} {...p('column')}>
                {here.map((section) => {
                  const Section = SECTIONS[section][1];
                  return <Section key={section} flow={flow} onFlowEnd={onFlowEnd} />;
                })}
              </div>
            );
          })}
        </div>
      </div>
    );
  },
  1,
);

/** A scope that lets the customer change something. */
type WriteScope = Exclude<Scope, `${string}:read`>;

function isWrite(scope: Scope): scope is WriteScope {
  return !scope.endsWith(':read');
}

/** Says what a session may do that has no section to show, or that may only read. */
function Limits({ session, isEmpty }: { session: PortalSession; isEmpty: boolean }) {
  const { p, t } = useUi();
  const writes = session.scopes.filter(isWrite);
  const actions = writes.map((scope) => t(`may.${scope}`)).join(t('comma'));
  const key = isEmpty ? (actions ? 'writeOnly' : 'nothing') : actions ? null : 'readOnly';
  return key ? <p {...p('text', 'muted')}>{t(`portal.${key}`, { actions })}</p> : null;
}

function Head() {
  const { p, t } = useUi();
  const { session } = usePortal();
  const Heading = useHeading(-1);
  const isOffline = useLasting(session?.state === 'degraded');
  return (
    <header {...p('portal-head')}>
      <Heading {...p('portal-title')}>{t('portal.title')}</Heading>
      {session?.can('customer:read') ? <Name /> : null}
      <div {...p('live')} role="status">
        {isOffline ? <Notice tone="warn">{t('portal.offline')}</Notice> : null}
      </div>
    </header>
  );
}

function Name() {
  const { p } = useUi();
  const { customer } = useProfile();
  return (
    <p {...p('portal-name')}>
      <bdi>{customer?.name ?? '\u00a0'}</bdi>
    </p>
  );
}

/** Returns true once a state has lasted, so that one failed refresh shows no warning. */
function useLasting(isActive: boolean): boolean {
  const [hasLasted, setLasted] = useState(false);
  useEffect(() => {
    if (!isActive) return undefined;
    const timer = setTimeout(() => {
      setLasted(true);
    }, 1500);
    return () => {
      clearTimeout(timer);
      setLasted(false);
    };
  }, [isActive]);
  return hasLasted;
}

/** The page has no token, and getting one failed. */
function Unopened({ error }: { error: ApiError }) {
  const { p, t, errorText } = useUi();
  const { retry, isBusy } = usePortal().opening;
  const Heading = useHeading(-1);
  return (
    <section {...p('ended')} role="alert">
      <Heading {...p('title')}>{t('portal.failed')}</Heading>
      <p {...p('text', 'muted')}>{errorText(error)}</p>
      <Button kind="primary" isBusy={isBusy} onClick={() => void retry()}>
        {t('action.retry')}
      </Button>
    </section>
  );
}

function Ended() {
  const { p, t } = useUi();
  const { session } = usePortal();
  const Heading = useHeading(-1);
  return (
    <section {...p('ended')} role="alert">
      <Heading {...p('title')}>{t('portal.ended')}</Heading>
      {session?.state === 'signed_out' ? null : <p {...p('text', 'muted')}>{t('portal.reopen')}</p>}
    </section>
  );
}
