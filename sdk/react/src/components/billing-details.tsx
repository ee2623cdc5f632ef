import { useState, type ComponentType, type ReactNode } from 'react';

import type { Customer } from '../api-types.js';
import { useProfile } from '../hooks/customer.js';
import { useCan } from '../react/session.js';
import { Button, Card, Dialog, Loaded, Status } from '../ui/elements.js';
import { defineComponent, useNotice, useUi, type StyleProps } from '../ui/parts.js';
import { AddressLines, DetailsForm } from './lazy-forms.js';
import { useFlow, type FlowProps } from './flow.js';

/** The props of {@link BillingDetails}. */
export interface BillingDetailsProps extends StyleProps, FlowProps {}

/** The billing details: name, e-mail, address, tax IDs. */
export const BillingDetails: ComponentType<BillingDetailsProps> = /* @__PURE__ */ defineComponent(
  'customer:read',
  function BillingDetails(props) {
    const { t } = useUi();
    const { customer, update, isUpdating, ...read } = useProfile();
    const mayWrite = useCan('customer:write');
    const [flow, endFlow] = useFlow(props, 'billing_details');
    const [isOpen, setOpen] = useState(mayWrite && flow !== null);
    const [done, setDone] = useNotice();
    const close = (saved?: Customer) => {
      const warning = saved?.warnings?.[0];
      const isUnprintable = warning?.code === 'glyphs_missing';
      const problem = isUnprintable ? t('details.unprintable') : warning?.message;
      setDone(saved ? [t('state.saved'), problem].filter(Boolean).join(' ') : null);
      setOpen(false);
      endFlow(saved !== undefined);
    };
    const edit = (
      <Button
        kind="plain"
        aria-label={`${t('action.edit')}: ${t('details.title')}`}
        onClick={() => {
          setDone(null);
          setOpen(true);
        }}
      >
        {t('action.edit')}
      </Button>
    );
    return (
      <Card title={t('details.title')} actions={mayWrite && customer ? edit : null}>
        <Status>{done}</Status>
        <Loaded read={read} lines={5} has={customer !== null}>
          {customer ? <Shown customer={customer} /> : null}
        </Loaded>
        {isOpen && customer ? (
          <Dialog
            title={t('details.title')}
            onClose={() => {
              close();
            }}
          >
            <DetailsForm customer={customer} update={update} isBusy={isUpdating} onClose={close} />
          </Dialog>
        ) : null}
      </Card>
    );
  },
);

function Shown({ customer }: { customer: Customer }) {
  const { p, t } = useUi();
  const { name, email, billingAddress, taxIds } = customer;
  const fact = (key: 'name' | 'email' | 'address' | 'taxIds', lines: readonly ReactNode[]) => (
    <div {...p('fact')}>
      <dt {...p('fact-label')}>{t(`details.${key}`)}</dt>
      {lines.map((line, index) => (
        <dd key={index} {...p('fact-value')}>
          {typeof line === 'string' ? <bdi>{line}</bdi> : line}
        </dd>
      ))}
    </div>
  );
  return (
    <dl {...p('facts')}>
      {fact('name', [name])}
      {fact('email', [email])}
      {fact('address', [billingAddress ? <AddressLines address={billingAddress} /> : '—'])}
      {taxIds.length > 0
        ? fact(
            'taxIds',
            taxIds.map(({ value }) => value),
          )
        : null}
    </dl>
  );
}
