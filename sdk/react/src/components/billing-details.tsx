import { useMemo, useState, type ComponentType } from 'react';

import type { Address, Customer, TaxId, UpdateCustomer } from '../api-types.js';
import type { ApiError } from '../core/errors.js';
import { useProfile } from '../hooks/customer.js';
import { usePortal } from '../react/context.js';
import { useI18n } from '../react/i18n.js';
import {
  Actions,
  Button,
  Card,
  Dialog,
  Failure,
  Field,
  Loaded,
  Select,
  Status,
} from '../ui/elements.js';
import { defineComponent, useParts, type StyleProps } from '../ui/parts.js';
import { countriesOf, countryName, taxTypes } from './countries.js';
import { useFlow, type FlowProps } from './flow.js';

export interface BillingDetailsProps extends StyleProps, FlowProps {}

/** Who is billed: name, e-mail, address, tax ids. */
export const BillingDetails: ComponentType<BillingDetailsProps> = /* @__PURE__ */ defineComponent(
  'BillingDetails',
  'customer:read',
  function BillingDetails(props) {
    const { t } = useI18n();
    const { session } = usePortal();
    const { customer, update, isUpdating, ...read } = useProfile();
    const mayWrite = session?.can('customer:write') ?? false;
    const [flow, endFlow] = useFlow(props, 'billing_details');
    const [isOpen, setOpen] = useState(mayWrite && flow !== null);
    const [done, setDone] = useState<string | null>(null);
    const close = (isSaved = false) => {
      setDone(isSaved ? t('state.saved') : null);
      setOpen(false);
      endFlow(isSaved);
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
        <Loaded read={read} lines={6} has={customer !== null}>
          {customer ? <Shown customer={customer} /> : null}
        </Loaded>
        {isOpen && customer ? (
          <Dialog
            title={t('details.title')}
            onClose={() => {
              close();
            }}
          >
            <Form customer={customer} update={update} isBusy={isUpdating} onClose={close} />
          </Dialog>
        ) : null}
      </Card>
    );
  },
);

function Shown({ customer }: { customer: Customer }) {
  const p = useParts();
  const { t, locale } = useI18n();
  const { name, email, billingAddress, taxIds } = customer;
  const entries: [string, string[]][] = [
    [t('details.name'), [name]],
    [t('details.email'), [email]],
    [t('details.address'), billingAddress ? addressLines(billingAddress, locale) : ['—']],
  ];
  if (taxIds.length > 0) entries.push([t('details.taxIds'), taxIds.map(({ value }) => value)]);
  return (
    <dl {...p('facts')}>
      {entries.map(([label, lines]) => (
        <div key={label} {...p('fact')}>
          <dt {...p('fact-label')}>{label}</dt>
          {lines.map((line) => (
            <dd key={line} {...p('fact-value')}>
              <bdi>{line}</bdi>
            </dd>
          ))}
        </div>
      ))}
    </dl>
  );
}

function addressLines(address: Address, locale: string): string[] {
  const { line1, line2, postalCode, city, state, country } = address;
  const town = [postalCode, city].filter(Boolean).join(' ');
  return [line1, line2, town, state, countryName(country, locale)].filter(
    (line): line is string => !!line,
  );
}

interface FormProps {
  customer: Customer;
  update: (changes: UpdateCustomer) => Promise<Customer>;
  isBusy: boolean;
  onClose: (isSaved: boolean) => void;
}

const NOWHERE: Address = {
  line1: '',
  line2: null,
  city: '',
  state: null,
  postalCode: null,
  country: '',
};

const FIELDS = [
  ['line1', 'address-line1', true],
  ['line2', 'address-line2', false],
  ['postalCode', 'postal-code', false],
  ['city', 'address-level2', true],
  ['state', 'address-level1', false],
] as const;

function Form({ customer, update, isBusy, onClose }: FormProps) {
  const p = useParts();
  const { t, locale } = useI18n();
  const countries = useMemo(() => countriesOf(locale), [locale]);
  const [name, setName] = useState(customer.name);
  const [email, setEmail] = useState(customer.email);
  const [address, setAddress] = useState<Address>(customer.billingAddress ?? NOWHERE);
  const [taxIds, setTaxIds] = useState<TaxId[]>(customer.taxIds);
  const [error, setError] = useState<ApiError | null>(null);
  const hasAddress = Object.values(address).some(Boolean);
  const wrong = (param: string) => error?.errors.find((one) => one.param === param)?.message;
  const save = () => {
    const changes = changesOf(customer, { name, email, billingAddress: address, taxIds });
    setError(null);
    update(changes).then(() => {
      onClose(true);
    }, setError);
  };
  return (
    <form
      {...p('form')}
      onSubmit={(event) => {
        event.preventDefault();
        if (!isBusy) save();
      }}
    >
      <Field
        label={t('details.name')}
        value={name}
        required
        autoComplete="organization"
        error={wrong('name')}
        onValue={setName}
      />
      <Field
        label={t('details.email')}
        value={email}
        required
        type="email"
        autoComplete="email"
        error={wrong('email')}
        onValue={setEmail}
      />
      <fieldset {...p('group')}>
        <legend {...p('group-title')}>{t('details.address')}</legend>
        {FIELDS.map(([field, autoComplete, isNeeded]) => (
          <Field
            key={field}
            label={t(`details.${field}`)}
            value={address[field] ?? ''}
            autoComplete={autoComplete}
            required={isNeeded && hasAddress}
            error={wrong(`billingAddress.${field}`)}
            onValue={(value) => {
              setAddress({ ...address, [field]: value });
            }}
          />
        ))}
        <label {...p('field')}>
          <span {...p('label')}>{t('details.country')}</span>
          <Select
            options={countries}
            value={address.country}
            autoComplete="country"
            required={hasAddress}
            onValue={(country) => {
              setAddress({ ...address, country });
            }}
          />
        </label>
      </fieldset>
      <TaxIds taxIds={taxIds} onChange={setTaxIds} />
      <Failure error={error} />
      <Actions>
        <Button
          onClick={() => {
            onClose(false);
          }}
        >
          {t('action.cancel')}
        </Button>
        <Button kind="primary" isSubmit isBusy={isBusy}>
          {t(isBusy ? 'action.working' : 'action.save')}
        </Button>
      </Actions>
    </form>
  );
}

/** Only what is another than before; an address without any line is none. */
function changesOf(
  customer: Customer,
  next: Pick<Customer, 'name' | 'email' | 'taxIds'> & { billingAddress: Address },
): UpdateCustomer {
  const { line1, line2, city, state, postalCode, country } = next.billingAddress;
  const billingAddress = [line1, line2, city, state, postalCode, country].some(Boolean)
    ? {
        line1,
        line2: line2 || null,
        city,
        state: state || null,
        postalCode: postalCode || null,
        country,
      }
    : null;
  const taxIds = next.taxIds.filter(({ value }) => value !== '');
  const wanted = { name: next.name, email: next.email, billingAddress, taxIds };
  const had: Record<string, unknown> = { ...customer };
  return Object.fromEntries(
    Object.entries(wanted).filter(
      ([key, value]) => JSON.stringify(value) !== JSON.stringify(had[key]),
    ),
  );
}

interface TaxIdsProps {
  taxIds: TaxId[];
  onChange: (taxIds: TaxId[]) => void;
}

function TaxIds({ taxIds, onChange }: TaxIdsProps) {
  const p = useParts();
  const { t } = useI18n();
  const set = (index: number, changes: Partial<TaxId>) => {
    onChange(taxIds.map((one, at) => (at === index ? { ...one, ...changes } : one)));
  };
  return (
    <fieldset {...p('group')}>
      <legend {...p('group-title')}>{t('details.taxIds')}</legend>
      {taxIds.map(({ type, value }, index) => (
        <div key={index} {...p('pair')}>
          <label {...p('field')}>
            <span {...p('label')}>{t('details.taxType')}</span>
            <Select
              options={taxTypes(type)}
              value={type}
              onValue={(next) => {
                set(index, { type: next });
              }}
            />
          </label>
          <Field
            label={t('details.taxValue')}
            value={value}
            required
            onValue={(next) => {
              set(index, { value: next });
            }}
          />
          <Button
            kind="plain"
            aria-label={t('details.removeTaxId', { value })}
            onClick={() => {
              onChange(taxIds.filter((_, at) => at !== index));
            }}
          >
            {t('action.remove')}
          </Button>
        </div>
      ))}
      <Button
        kind="plain"
        onClick={() => {
          onChange([...taxIds, { type: 'eu_vat', value: '' }]);
        }}
      >
        {t('details.addTaxId')}
      </Button>
    </fieldset>
  );
}
