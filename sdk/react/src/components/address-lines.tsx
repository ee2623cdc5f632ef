/** A postal address as it is written in its country. */
import type { Address } from '../api-types.js';
import { addressLines } from '../format/addresses.js';
import { useUi } from '../ui/parts.js';

export function AddressLines({ address }: { address: Address }) {
  const { p, locale } = useUi();
  return addressLines(address, locale).map((line, index) => (
    <div key={index} {...p('address-line')}>
      <bdi>{line}</bdi>
    </div>
  ));
}
