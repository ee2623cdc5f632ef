import { useEffect, useMemo, useState } from 'react';

import type { Address, Customer, TaxId, UpdateCustomer } from '../api-types.js';
import type { ApiError } from '../core/errors.js';
import { addressParts, COUNTRIES, readRegions } from '../format/addresses.js';
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

/** The `autocomplete` of each part, and whether an address needs it. */
const FIELDS = {
  line1: ['address-line1', true],
  line2: ['address-line2', false],
  postalCode: ['postal-code', false],
  city: ['address-level2', true],
  state: ['address-level1', false],
} as const;

export function DetailsForm({ customer, update, isBusy, onClose }: DetailsFormProps) {
  const { t } = useUi();
  const [name, setName] = useState(customer.name);
  const [email, setEmail] = useState(customer.email);
  const [address, setAddress] = useState<Address>(customer.billingAddress ?? NOWHERE);
  const [taxIds, setTaxIds] = useState<TaxId[]>(customer.taxIds);
  const [error, setError] = useState<ApiError | null>(null);
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
      <AddressFields address={address} isWrong={isWrong} onChange={setAddress} />
      <TaxIds taxIds={taxIds} isWrong={isWrong} onChange={setTaxIds} />
    </Form>
  );
}

interface AddressFieldsProps {
  address: Address;
  isWrong: (param: string) => boolean | undefined;
  onChange: (address: Address) => void;
}

/** The country, then the parts that its addresses have, in its order. */
function AddressFields({ address, isWrong, onChange }: AddressFieldsProps) {
  const { p, t, locale } = useUi();
  const { country, state } = address;
  const countries = useMemo(() => listCountries(locale), [locale]);
  const regions = useRegions(country, state, locale);
  const hasAddress = Object.values(address).some(Boolean);
  return (
    <fieldset {...p('group')}>
      <legend {...p('group-title')}>{t('details.address')}</legend>
      <Field
        label={t('details.country')}
        options={countries}
        value={country}
        autoComplete="country"
        required={hasAddress}
        isWrong={isWrong('billingAddress.country')}
        onValue={(next) => {
          // The state is one of the former country.
          onChange({ ...address, country: next, state: null });
        }}
      />
      {addressParts(address, locale).map((part) => {
        const [autoComplete, isNeeded] = FIELDS[part];
        return (
          <Field
            key={part}
            label={t(`details.${part}`)}
            value={address[part] ?? ''}
            {...(part === 'state' && regions ? { options: regions } : {})}
            autoComplete={autoComplete}
            required={isNeeded && hasAddress}
            isWrong={isWrong(`billingAddress.${part}`)}
            onValue={(value) => {
              onChange({ ...address, [part]: value });
            }}
          />
        );
      })}
    </fieldset>
  );
}

/** Returns the regions to choose from, or null where any text may be one. */
function useRegions(country: string, chosen: string | null, locale: string) {
  const [lists, setLists] = useState<Readonly<Record<string, string>>>({});
  useEffect(() => {
    import('../format/regions.js').then(
      ({ REGIONS }) => {
        setLists(REGIONS);
      },
      // Without the lists the customer types the region.
      () => undefined,
    );
  }, []);
  const list = lists[country];
  if (!list) return null;
  const options = [{ value: '', label: '' }, ...readRegions(list, country, locale)];
  const isListed = !chosen || options.some(({ value }) => value === chosen);
  return isListed ? options : [...options, { value: chosen, label: chosen }];
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

/** Returns the countries sorted by name, after an empty option. */
function listCountries(locale: string) {
  const names = new Intl.DisplayNames(locale, { type: 'region' });
  const options = COUNTRIES.map((value) => ({ value, label: names.of(value) ?? value }));
  const { compare } = new Intl.Collator(locale);
  options.sort((one, other) => compare(one.label, other.label));
  return [{ value: '', label: '' }, ...options];
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
