import { useState, type ComponentType } from 'react';

import type { Address, Customer, TaxId, UpdateCustomer } from '../api-types.js';
import type { ApiError } from '../core/errors.js';
import { useProfile } from '../hooks/customer.js';
import { usePortal } from '../react/context.js';
import { useI18n } from '../react/i18n.js';
import { Actions, Button, Card, Dialog, Failure, Field, Loaded, Status } from '../ui/elements.js';
import { defineComponent, useParts, type StyleProps } from '../ui/parts.js';

export interface BillingDetailsProps extends StyleProps {
  /** Opens the form at once. */
  initial?: 'edit' | undefined;
}

/** Who is billed: name, e-mail, address, tax ids. */
export const BillingDetails: ComponentType<BillingDetailsProps> = /* @__PURE__ */ defineComponent(
  'BillingDetails',
  'customer:read',
  function BillingDetails({ initial }) {
    const { t } = useI18n();
    const { session } = usePortal();
    const { customer, update, isUpdating, ...read } = useProfile();
    const [isOpen, setOpen] = useState(initial === 'edit');
    const [done, setDone] = useState<string | null>(null);
    const mayWrite = session?.can('customer:write') ?? false;
    return (
      <Card title={t('details.title')}>
        <Status>{done}</Status>
        <Loaded read={read} lines={4}>
          {customer ? <Shown customer={customer} /> : null}
        </Loaded>
        {mayWrite && customer ? (
          <Actions>
            <Button
              aria-label={t('details.edit')}
              onClick={() => {
                setDone(null);
                setOpen(true);
              }}
            >
              {t('action.edit')}
            </Button>
          </Actions>
        ) : null}
        {isOpen && customer ? (
          <Dialog
            title={t('details.title')}
            onClose={() => {
              setOpen(false);
            }}
          >
            <Form
              customer={customer}
              update={update}
              isBusy={isUpdating}
              onClose={(isSaved) => {
                setDone(isSaved ? t('details.saved') : null);
                setOpen(false);
              }}
            />
          </Dialog>
        ) : null}
      </Card>
    );
  },
);

function Shown({ customer }: { customer: Customer }) {
  const p = useParts();
  const { t, locale } = useI18n();
  const { name, email, billingAddress, taxIds = [] } = customer;
  const entries: [string, string[]][] = [
    [t('details.name'), [name]],
    [t('details.email'), [email]],
    [
      t('details.address'),
      billingAddress ? addressLines(billingAddress, locale) : [t('details.noAddress')],
    ],
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
  const region = new Intl.DisplayNames(locale, { type: 'region', fallback: 'code' });
  const name = /^[A-Z]{2}$/.test(country) ? (region.of(country) ?? country) : country;
  const town = [postalCode, city].filter(Boolean).join(' ');
  return [line1, line2, town, state, name].filter((line): line is string => !!line);
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
  ['line1', 'address-line1'],
  ['line2', 'address-line2'],
  ['postalCode', 'postal-code'],
  ['city', 'address-level2'],
  ['state', 'address-level1'],
  ['country', 'country'],
] as const;

function Form({ customer, update, isBusy, onClose }: FormProps) {
  const p = useParts();
  const { t } = useI18n();
  const [name, setName] = useState(customer.name);
  const [email, setEmail] = useState(customer.email);
  const [address, setAddress] = useState<Address>(customer.billingAddress ?? NOWHERE);
  const [taxIds, setTaxIds] = useState<TaxId[]>(customer.taxIds ?? []);
  const [error, setError] = useState<ApiError | null>(null);
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
        {FIELDS.map(([field, autoComplete]) => (
          <Field
            key={field}
            label={t(`details.${field}`)}
            value={address[field] ?? ''}
            autoComplete={autoComplete}
            maxLength={field === 'country' ? 2 : undefined}
            error={wrong(`billingAddress.${field}`)}
            onValue={(value) => {
              setAddress({ ...address, [field]: value });
            }}
          />
        ))}
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
  next: Required<Pick<Customer, 'name' | 'email' | 'taxIds'>> & { billingAddress: Address },
): UpdateCustomer {
  const { line1, line2, city, state, postalCode, country } = next.billingAddress;
  const billingAddress = [line1, line2, city, state, postalCode, country].some(Boolean)
    ? {
        line1,
        line2: line2 || null,
        city,
        state: state || null,
        postalCode: postalCode || null,
        country: country.toUpperCase(),
      }
    : null;
  const taxIds = next.taxIds.filter(({ value }) => value !== '');
  const wanted = { name: next.name, email: next.email, billingAddress, taxIds };
  const had: Record<string, unknown> = { billingAddress: null, taxIds: [], ...customer };
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
          <Field
            label={t('details.taxType')}
            value={type}
            onValue={(next) => {
              set(index, { type: next });
            }}
          />
          <Field
            label={t('details.taxValue')}
            value={value}
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
