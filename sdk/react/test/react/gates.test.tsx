/** Gates against the real server, on React 18 and 19. */
import { act, cleanup, render, screen, waitFor } from '@testing-library/react';
import type { ReactNode } from 'react';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';

import {
  BooleanGate,
  ConfigGate,
  CreditGate,
  EnumGate,
  FeatureGate,
  MeteredGate,
  useCustomer,
} from '../../src/index.js';
import { mintFor, newCustomer, revoke } from '../support/backend.js';
import { openOffer, TYPES, type Offer } from '../support/features.js';
import { provided, refusal } from '../support/provided.js';

let offer: Offer;
/** Has no plan. */
let guest: string;

beforeAll(async () => {
  [offer, guest] = await Promise.all([openOffer(), newCustomer()]);
});
afterEach(cleanup);

const text = (wanted: string) => waitFor(() => screen.getByText(wanted));
const absent = (wanted: string) => {
  expect(screen.queryByText(wanted)).toBeNull();
};
const tokenOf = async (customerId: string) => (await mintFor(customerId)).token;
const unread = (path: string) =>
  path.endsWith('/entitlements') ? refusal(403, 'insufficient_scope') : undefined;

interface Around {
  slug: string;
  noAccessComponent?: ReactNode;
  loadingComponent?: ReactNode;
}

const tell = (value: unknown) => <p>{`has ${JSON.stringify(value)}`}</p>;
const around = (slug: string): Around => ({
  slug,
  noAccessComponent: <p>no access</p>,
  loadingComponent: <p>loading</p>,
});

interface Gate {
  type: (typeof TYPES)[number];
  /** The values that the children get. */
  value: string;
  gate: (props: Around) => ReactNode;
  /** The same with a value to go on with. */
  withFallback: (props: Around) => ReactNode;
  fallback: string;
}

const GATES: Gate[] = [
  {
    type: 'boolean',
    value: 'has true',
    gate: (props) => <BooleanGate {...props}>{tell}</BooleanGate>,
    withFallback: (props) => (
      <BooleanGate {...props} fallback={false}>
        {tell}
      </BooleanGate>
    ),
    fallback: 'has false',
  },
  {
    type: 'metered',
    value: 'has 6',
    gate: (props) => <MeteredGate {...props}>{tell}</MeteredGate>,
    withFallback: (props) => (
      <MeteredGate {...props} fallback={0}>
        {tell}
      </MeteredGate>
    ),
    fallback: 'has 0',
  },
  {
    type: 'credit',
    value: 'has 90',
    gate: (props) => <CreditGate {...props}>{tell}</CreditGate>,
    withFallback: (props) => (
      <CreditGate {...props} fallback={1}>
        {tell}
      </CreditGate>
    ),
    fallback: 'has 1',
  },
  {
    type: 'config',
    value: 'has "Priority"',
    gate: (props) => <ConfigGate {...props}>{tell}</ConfigGate>,
    withFallback: (props) => (
      <ConfigGate {...props} fallback="Community">
        {tell}
      </ConfigGate>
    ),
    fallback: 'has "Community"',
  },
  {
    type: 'enum',
    value: 'has ["eu","us"]',
    gate: (props) => <EnumGate {...props}>{tell}</EnumGate>,
    withFallback: (props) => (
      <EnumGate {...props} fallback={['eu']}>
        {tell}
      </EnumGate>
    ),
    fallback: 'has ["eu"]',
  },
];

describe.each(GATES)('the gate of type $type', ({ type, value, gate, withFallback, fallback }) => {
  test('is closed while loading, then open with the feature', async () => {
    const token = await tokenOf(offer.user);
    const pending = provided(null);
    const props = around(offer.slugs[type]);
    const view = render(pending.below(gate(props)));
    screen.getByText('loading');
    view.unmount();
    render(provided(token).below(gate(props)));
    screen.getByText('loading');
    await text(value);
    absent('no access');
  });

  test('is closed without the feature or with another type', async () => {
    const { below } = provided(await tokenOf(offer.user));
    const other = TYPES.find((one) => one !== type) ?? type;
    render(
      below(
        <>
          <section title="none">{gate(around('nothing-by-that-name'))}</section>
          <section title="other">{gate(around(offer.slugs[other]))}</section>
          <section title="bare">{gate({ slug: 'nothing-by-that-name' })}</section>
          <section title="own">{gate(around(offer.slugs[type]))}</section>
        </>,
      ),
    );
    await text(value);
    expect(screen.getByTitle('none').textContent).toBe('no access');
    expect(screen.getByTitle('other').textContent).toBe('no access');
    expect(screen.getByTitle('bare').textContent).toBe('');
  });

  test('is closed where nothing can be read', async () => {
    const token = await tokenOf(offer.user);
    render(provided(token, {}, unread).below(gate(around(offer.slugs[type]))));
    await text('no access');
    absent(value);
  });

  test('closes when the session ends', async () => {
    const { token, jti } = await mintFor(offer.user);
    let refetch: () => Promise<void> = () => Promise.resolve();
    function Asking() {
      ({ refetch } = useCustomer());
      return null;
    }
    const open = gate(around(offer.slugs[type]));
    render(
      provided(token).below(
        <>
          <Asking />
          {open}
        </>,
      ),
    );
    await text(value);
    await revoke(jti);
    await act(() => refetch());
    await text('no access');
    absent(value);
  });

  test('goes on with its fallback where it would be closed, and with nothing while it loads', async () => {
    const token = await tokenOf(guest);
    const view = render(provided(null).below(withFallback(around(offer.slugs[type]))));
    screen.getByText('loading');
    view.unmount();
    render(provided(token).below(withFallback(around(offer.slugs[type]))));
    await text(fallback);
    absent('no access');
    cleanup();
    const failing = provided(token, {}, unread);
    render(failing.below(withFallback(around(offer.slugs[type]))));
    await text(fallback);
  });
});

describe('what is asked for', () => {
  const CASES: [string, (offer: Offer) => ReactNode, boolean][] = [
    [
      'as many calls as are left',
      ({ slugs }) => (
        <MeteredGate {...around(slugs.metered)} requestedUsage={6}>
          open
        </MeteredGate>
      ),
      true,
    ],
    [
      'a call more than are left',
      ({ slugs }) => (
        <MeteredGate {...around(slugs.metered)} requestedUsage={7}>
          open
        </MeteredGate>
      ),
      false,
    ],
    [
      'the whole balance',
      ({ slugs }) => (
        <CreditGate {...around(slugs.credit)} requiredBalance={90}>
          open
        </CreditGate>
      ),
      true,
    ],
    [
      'more than the balance',
      ({ slugs }) => (
        <CreditGate {...around(slugs.credit)} requiredBalance={91}>
          open
        </CreditGate>
      ),
      false,
    ],
    [
      'values that are there',
      ({ slugs }) => (
        <EnumGate {...around(slugs.enum)} requestedValues={['us', 'eu']}>
          open
        </EnumGate>
      ),
      true,
    ],
    [
      'a value that is not',
      ({ slugs }) => (
        <EnumGate {...around(slugs.enum)} requestedValues={['eu', 'asia']}>
          open
        </EnumGate>
      ),
      false,
    ],
  ];

  test.each(CASES)('%s', async (_, gate, isOpen) => {
    const { below } = provided(await tokenOf(offer.user));
    const view = render(below(gate(offer)));
    await text(isOpen ? 'open' : 'no access');
    expect(view.container.textContent).toBe(isOpen ? 'open' : 'no access');
  });

  test('metered and credit gates are closed once all is used', async () => {
    const { below } = provided(await tokenOf(offer.spent));
    render(
      below(
        <>
          <section title="metered">
            <MeteredGate {...around(offer.slugs.metered)}>open</MeteredGate>
          </section>
          <section title="credit">
            <CreditGate {...around(offer.slugs.credit)}>open</CreditGate>
          </section>
          <BooleanGate {...around(offer.slugs.boolean)}>loaded</BooleanGate>
        </>,
      ),
    );
    await text('loaded');
    expect(screen.getByTitle('metered').textContent).toBe('no access');
    expect(screen.getByTitle('credit').textContent).toBe('no access');
  });
});

describe('the gate of any feature', () => {
  const gate = (type: (typeof TYPES)[number], onDenied: (reason: string) => void) => (
    <FeatureGate featureSlug={offer.slugs[type]} fallback={<p>fallback</p>} onDenied={onDenied}>
      <p>open</p>
    </FeatureGate>
  );

  test.each(TYPES)('is open with the %s feature and denies nothing', async (type) => {
    const onDenied = vi.fn();
    render(provided(await tokenOf(offer.user)).below(gate(type, onDenied)));
    screen.getByText('fallback');
    await text('open');
    absent('fallback');
    expect(onDenied).not.toHaveBeenCalled();
  });

  test.each([
    ['boolean', 'no_entitlement', () => guest],
    ['metered', 'usage_exceeded', () => offer.spent],
    ['credit', 'credit_exhausted', () => offer.spent],
  ] as const)('without the %s one it says once: %s', async (type, reason, who) => {
    const [first, later] = [vi.fn(), vi.fn()];
    const { below } = provided(await tokenOf(who()));
    const view = render(below(gate(type, first)));
    await waitFor(() => {
      expect(first).toHaveBeenCalled();
    });
    view.rerender(below(gate(type, later)));
    screen.getByText('fallback');
    expect(first.mock.calls).toEqual([[reason]]);
    expect(later).not.toHaveBeenCalled();
  });

  test('without a token it waits, closed', () => {
    const onDenied = vi.fn();
    render(provided(null).below(gate('boolean', onDenied)));
    screen.getByText('fallback');
    expect(onDenied).not.toHaveBeenCalled();
  });

  test.each([
    ['the customer', (path: string) => /^\/customers\/[^/]+$/.test(path)],
    ['the entitlements', (path: string) => path.endsWith('/entitlements')],
  ])('where %s cannot be read it is closed, and nobody was denied', async (_, isIt) => {
    const onDenied = vi.fn();
    const block = (path: string) => (isIt(path) ? refusal(403, 'insufficient_scope') : undefined);
    function Told() {
      return <p>{useCustomer().error?.code}</p>;
    }
    const { below } = provided(await tokenOf(offer.user), {}, block);
    render(
      below(
        <>
          <Told />
          {gate('boolean', onDenied)}
        </>,
      ),
    );
    await text('insufficient_scope');
    screen.getByText('fallback');
    expect(onDenied).not.toHaveBeenCalled();
  });

  test('it closes with the session, and nobody was denied', async () => {
    const { token, jti } = await mintFor(offer.user);
    const onDenied = vi.fn();
    let refetch: () => Promise<void> = () => Promise.resolve();
    function Asking() {
      ({ refetch } = useCustomer());
      return null;
    }
    render(
      provided(token).below(
        <>
          <Asking />
          {gate('boolean', onDenied)}
        </>,
      ),
    );
    await text('open');
    await revoke(jti);
    await act(() => refetch());
    await text('fallback');
    expect(onDenied).not.toHaveBeenCalled();
  });
});
