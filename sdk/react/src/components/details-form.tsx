import { useMemo, useState } from 'react';

import type { Address, Customer, TaxId, UpdateCustomer } from '../api-types.js';
import type { ApiError } from '../core/errors.js';
import { Button } from '../ui/elements.js';
import { Field, Form } from '../ui/form.js';
import { useUi } from '../ui/parts.js';

interface DetailsFormProps {
  customer: Customer;
  update: (changes: UpdateCustomer) => Promise<Customer>;
  isBusy: boolean;
  /** Gets the customer when it was saved. */
  onClose: (saved?: Customer) => void;
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

export function DetailsForm({ customer, update, isBusy, onClose }: DetailsFormProps) {
  const { p, t, locale } = useUi();
  const countries = useMemo(() => listCountries(locale), [locale]);
  const [name, setName] = useState(customer.name);
  const [email, setEmail] = useState(customer.email);
  const [address, setAddress] = useState<Address>(customer.billingAddress ?? NOWHERE);
  const [taxIds, setTaxIds] = useState<TaxId[]>(customer.taxIds);
  const [error, setError] = useState<ApiError | null>(null);
  const hasAddress = Object.values(address).some(Boolean);
  const isWrong = (param: string) => error?.errors.some((one) => one.param === param);
  const save = () => {
    const changes = findChanges(customer, { name, email, billingAddress: address, taxIds });
    setError(null);
    update(changes).then(onClose, setError);
  };
  return (
    <Form
      action={t('action.save')}
      isBusy={isBusy}
      error={error}
      onSubmit={save}
      onCancel={() => {
        onClose();
      }}
    >
      <Field
        label={t('details.name')}
        value={name}
        required
        autoComplete="organization"
        isWrong={isWrong('name')}
        onValue={setName}
      />
      <Field
        label={t('details.email')}
        value={email}
        required
        type="email"
        autoComplete="email"
        isWrong={isWrong('email')}
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
            isWrong={isWrong(`billingAddress.${field}`)}
            onValue={(value) => {
              setAddress({ ...address, [field]: value });
            }}
          />
        ))}
        <Field
          label={t('details.country')}
          options={countries}
          value={address.country}
          autoComplete="country"
          required={hasAddress}
          isWrong={isWrong('billingAddress.country')}
          onValue={(country) => {
            setAddress({ ...address, country });
          }}
        />
      </fieldset>
      <TaxIds taxIds={taxIds} isWrong={isWrong} onChange={setTaxIds} />
    </Form>
  );
}

/** Returns the changed fields. An address without any text becomes null. */
function findChanges(
  customer: Customer,
  next: Pick<Customer, 'name' | 'email' | 'taxIds'> & { billingAddress: Address },
): UpdateCustomer {
  const address: Record<string, string | null> = { ...next.billingAddress };
  const lines = Object.entries(address).map(([line, text]) => [line, text || null] as const);
  const billingAddress = lines.some(([, text]) => text) ? Object.fromEntries(lines) : null;
  const wanted = { ...next, billingAddress };
  const had: Record<string, unknown> = { ...customer };
  return Object.fromEntries(
    Object.entries(wanted).filter(
      ([key, value]) => JSON.stringify(value) !== JSON.stringify(had[key]),
    ),
  );
}

interface TaxIdsProps {
  taxIds: TaxId[];
  isWrong: (param: string) => boolean | undefined;
  onChange: (taxIds: TaxId[]) => void;
}

function TaxIds({ taxIds, isWrong, onChange }: TaxIdsProps) {
  const { p, t } = useUi();
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
            options={taxTypes(type)}
            value={type}
            isWrong={isWrong(`taxIds[${String(index)}].type`)}
            onValue={(next) => {
              set(index, { type: next });
            }}
          />
          <Field
            label={t('details.taxValue')}
            value={value}
            required
            isWrong={isWrong(`taxIds[${String(index)}].value`)}
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

/** Region codes that have a name in `Intl` but are no countries. */
const OTHERS = 'AC CP CQ DG EA EU EZ IC QO TA UN XA XB ZZ';

/** Returns the countries sorted by name, after an empty option. */
function listCountries(locale: string) {
  const names = new Intl.DisplayNames(locale, { type: 'region', fallback: 'none' });
  const options = [{ value: '', label: '' }];
  for (let pair = 0; pair < 676; pair += 1) {
    const value = String.fromCharCode(65 + pair / 26, 65 + (pair % 26));
    // A former country has the name of today's.
    const isNow = Intl.getCanonicalLocales(`und-${value}`)[0]?.endsWith(value);
    const label = isNow && !OTHERS.includes(value) ? names.of(value) : undefined;
    if (label) options.push({ value, label });
  }
  const { compare } = new Intl.Collator(locale);
  return options.sort((one, other) => compare(one.label, other.label));
}

const TAX_TYPES = 'EU VAT,GB VAT,CH VAT,NO VAT,AE TRN,AU ABN,CA BN,IN GST,SA VAT,US EIN';

/** Returns the known types of tax ID, and the current one if it is unknown. */
function taxTypes(current: string) {
  const known = TAX_TYPES.split(',').map((label) => ({
    value: label.toLowerCase().replaceAll(' ', '_'),
    label,
  }));
  return known.some(({ value }) => value === current)
    ? known
    : [...known, { value: current, label: current }];
}
