/** Entitlement hooks against the real server, on React 18 and 19. */
import { cleanup, waitFor } from '@testing-library/react';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';

import {
  useBooleanEntitlement,
  useConfigEntitlement,
  useCreditEntitlement,
  useEntitlement,
  useEnumEntitlement,
  useMeteredEntitlement,
} from '../../src/index.js';
import { mintFor } from '../support/backend.js';
import { openOffer, TYPES, type Offer } from '../support/features.js';
import { provided } from '../support/provided.js';

let offer: Offer;

beforeAll(async () => {
  offer = await openOffer();
});
afterEach(cleanup);

const tokenOf = async (customerId: string) => (await mintFor(customerId)).token;

interface Typed {
  value: unknown;
  isFallback: boolean;
  isLoading: boolean;
}

const HOOKS: [
  type: (typeof TYPES)[number],
  use: (slug: string) => Typed,
  has: unknown,
  without: unknown,
  useGiven: (slug: string) => Typed,
  given: unknown,
][] = [
  [
    'boolean',
    (slug) => useBooleanEntitlement(slug),
    true,
    false,
    (slug) => useBooleanEntitlement(slug, { fallback: true }),
    true,
  ],
  [
    'metered',
    (slug) => useMeteredEntitlement(slug),
    { limit: 10, usage: 4, remaining: 6 },
    { limit: 0, usage: 0, remaining: 0 },
    (slug) => useMeteredEntitlement(slug, { fallback: { limit: null, usage: 1, remaining: null } }),
    { limit: null, usage: 1, remaining: null },
  ],
  [
    'credit',
    (slug) => useCreditEntitlement(slug),
    90,
    0,
    (slug) => useCreditEntitlement(slug, { fallback: 3 }),
    3,
  ],
  [
    'config',
    (slug) => useConfigEntitlement(slug),
    'Priority',
    null,
    (slug) => useConfigEntitlement(slug, { fallback: 'Community' }),
    'Community',
  ],
  [
    'enum',
    (slug) => useEnumEntitlement(slug),
    ['eu', 'us'],
    [],
    (slug) => useEnumEntitlement(slug, { fallback: ['eu'] }),
    ['eu'],
  ],
];

describe.each(HOOKS)('the hook of type %s', (type, use, has, without, useGiven, given) => {
  test('returns the value of a customer who has the feature', async () => {
    const { run } = provided(await tokenOf(offer.user));
    const { result } = run(() => use(offer.slugs[type]));
    expect(result.current).toMatchObject({ isLoading: true, isFallback: true, value: without });
    await waitFor(() => {
      expect(result.current).toMatchObject({ isLoading: false, isFallback: false });
    });
    expect(result.current.value).toEqual(has);
  });

  test('has the fallback for everybody else, and says so', async () => {
    const other = TYPES.find((one) => one !== type) ?? type;
    const { run } = provided(await tokenOf(offer.user));
    const { result } = run(() => ({
      none: use('nothing-by-that-name'),
      other: useGiven(offer.slugs[other]),
    }));
    await waitFor(() => {
      expect(result.current.none.isLoading).toBe(false);
    });
    expect(result.current.none).toMatchObject({ isFallback: true, value: without, error: null });
    expect(result.current.other).toMatchObject({ isFallback: true, value: given, error: null });
  });
});

describe('one entitlement', () => {
  test('is of what is loaded, without another request', async () => {
    const { run, requests } = provided(await tokenOf(offer.user));
    const { result } = run(() => ({
      own: useEntitlement(offer.slugs.metered),
      none: useEntitlement('nothing-by-that-name'),
    }));
    await waitFor(() => {
      expect(result.current.own.isLoading).toBe(false);
    });
    expect(result.current.own.entitlement).toMatchObject({ access: true, usage: '4', limit: 10 });
    expect(result.current.none.entitlement).toBeNull();
    expect(requests).toEqual([`GET /customers/${offer.user}/entitlements`]);
  });

  test.each([
    ['as many as are left', 'metered', { requestedUsage: 6 }, true],
    ['one more', 'metered', { requestedUsage: 7 }, false],
    ['what the balance pays', 'credit', { requestedUsage: 45 }, true],
    ['what it does not', 'credit', { requestedUsage: 46 }, false],
    ['values that are there', 'enum', { requestedValues: ['eu'] }, true],
    ['values that are not', 'enum', { requestedValues: ['asia'] }, false],
    ['the newest word', 'boolean', { fresh: true }, true],
  ] as const)('with a request the server decides: %s', async (_, type, asked, access) => {
    const { run, requests } = provided(await tokenOf(offer.user));
    const { result } = run(() => useEntitlement(offer.slugs[type], asked));
    await waitFor(() => {
      expect(result.current.isLoading).toBe(false);
    });
    expect(result.current.entitlement).toMatchObject({ type, access });
    expect(requests.filter((one) => one === `POST /customers/${offer.user}/check`)).toHaveLength(1);
  });
});
