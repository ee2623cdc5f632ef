/** Class names and texts of parts, and standalone parts, on React 18 and 19. */
import { act, cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';

import {
  BillingDetails,
  CreditBalance,
  formatMoney,
  InvoiceList,
  LedgerTable,
  Money,
  PaymentForm,
  PlanChangeDialog,
  useTopUp,
  type FormClient,
  type PaymentMethod,
} from '../../src/index.js';
import { de } from '../../src/locales/de.js';
import { ask, mintFor, newCustomer } from '../support/backend.js';
import { openOffer, type Offer } from '../support/features.js';
import { provided } from '../support/provided.js';
import { addCard, newSubscriber, openShop, type Shop } from '../support/shop.js';

let offer: Offer;
let shop: Shop;
let subscriber: string;

beforeAll(async () => {
  [offer, shop] = [await openOffer(), await openShop()];
  subscriber = await newSubscriber(shop.plans.pro);
});
afterEach(cleanup);

const tokenOf = async (customerId: string) => (await mintFor(customerId)).token;

/** The first of a part. */
const part = (container: Element, name: string) =>
  waitFor(() => {
    const found = container.querySelector<HTMLElement>(`[data-upay=${name}]`);
    if (!found) throw new Error(`no ${name}`);
    return found;
  });

describe('appearance', () => {
  test('the theme is told to the style sheet', async () => {
    const token = await tokenOf(subscriber);
    for (const theme of [undefined, 'light', 'dark'] as const) {
      const { below } = provided(token, { appearance: { theme } });
      const { container } = render(below(<BillingDetails />));
      const root = await part(container, 'root');
      expect(root.dataset.upayTheme).toBe(theme ?? 'auto');
      cleanup();
    }
  });

  test('classes of the page stand beside ours, the component’s before the provider’s', async () => {
    const appearance = { classNames: { card: 'their-card', title: 'their-title' } };
    const { below } = provided(await tokenOf(subscriber), { appearance });
    const { container } = render(
      below(
        <BillingDetails className="mine" classNames={{ title: 'my-title', fact: 'my-fact' }} />,
      ),
    );
    await screen.findByText('ada@example.com');
    const classes = async (name: string) => [...(await part(container, name)).classList];
    expect(await classes('root')).toEqual(['upay', 'mine']);
    expect(await classes('card')).toEqual(['upay-card', 'their-card']);
    expect(await classes('title')).toEqual(['upay-title', 'my-title']);
    expect(await classes('fact')).toEqual(['upay-fact', 'my-fact']);
    expect(await classes('fact-label')).toEqual(['upay-fact-label']);
  });
});

test('days are those of the time zone, and of UTC where none is named', async () => {
  const path = `/invoices?customerId=${subscriber}`;
  const { data } = await ask<{ data: { issuedAt: string }[] }>(path);
  const issuedAt = Date.parse(data[0]?.issuedAt ?? '');
  // So far apart that it is never the same day in both.
  const [west, east] = ['Etc/GMT+12', 'Pacific/Kiritimati'];
  const days = new Map<string, string>();
  for (const timeZone of [west, east, undefined]) {
    const { below } = provided(await tokenOf(subscriber), { timeZone, locale: 'en-GB' });
    const { container } = render(below(<InvoiceList />));
    const row = await part(container, 'table-body');
    const format = new Intl.DateTimeFormat('en-GB', {
      timeZone: timeZone ?? 'UTC',
      dateStyle: 'medium',
    });
    const day = format.format(issuedAt);
    expect(row.textContent).toContain(day);
    days.set(timeZone ?? 'UTC', day);
    cleanup();
  }
  expect(days.get(west)).not.toBe(days.get(east));
});

describe('money', () => {
  test('is written as its currency and language want it', async () => {
    const { below } = provided(await tokenOf(subscriber), { locale: 'de', messages: de });
    const { container } = render(
      below(
        <>
          <Money minor={199_900} currency="EUR" className="mine" />
          <Money minor="1999" currency="JPY" locale="en" />
          <Money minor={9007199254740993n} currency="KWD" locale="en" />
        </>,
      ),
    );
    const all = [...container.querySelectorAll('[data-upay=money]')];
    expect(all.map(({ textContent }) => textContent)).toEqual([
      formatMoney(199_900, 'EUR', 'de'),
      formatMoney('1999', 'JPY', 'en'),
      formatMoney(9007199254740993n, 'KWD', 'en'),
    ]);
    expect(all[0]?.textContent).toMatch(/^1\.999,00\s€$/);
    expect(all[1]?.textContent).toBe('¥1,999');
    expect(all.map(({ className }) => className)).toEqual([
      'upay-money mine',
      'upay-money',
      'upay-money',
    ]);
  });
});

test('a ledger tells what happened to its wallet, newest first', async () => {
  const { below, requests } = provided(await tokenOf(offer.user));
  const { container } = render(below(<LedgerTable accountId={offer.accountId} className="mine" />));
  const body = await part(container, 'table-body');
  const cells = [...body.querySelectorAll('[data-upay=row]')].map((row) =>
    [...row.querySelectorAll('[data-upay=td]')].slice(2).map(({ textContent }) => textContent),
  );
  await waitFor(() => {
    expect(requests).toContain('GET /credit-accounts');
  });
  expect(cells).toEqual([
    ['-10', '90'],
    ['+100', '100'],
  ]);
  expect(container.querySelectorAll('.upay.mine')).toHaveLength(1);
});

describe('what credits buy', () => {
  /** 90 credits, and features that cost as much as named. */
  const shown = async (costs: [name: string, cost: string][], locale: string) => {
    const path = `/customers/${offer.user}/credit-accounts`;
    const { data } = await ask<{ data: { creditCurrencyId: string; balance: number }[] }>(path);
    expect(data).toMatchObject([{ balance: 90 }]);
    const creditCurrencyId = data[0]?.creditCurrencyId;
    const features = [
      { id: 'other', name: 'Other credits', creditCurrencyId: 'another', creditCost: '1' },
      ...costs.map(([name, creditCost]) => ({ id: name, name, creditCurrencyId, creditCost })),
    ];
    const { below } = provided(await tokenOf(offer.user), { locale, messages: [de] }, (one) =>
      one === '/features' ? Response.json({ data: features, hasMore: false }) : undefined,
    );
    render(below(<CreditBalance />));
    await screen.findByText('90');
  };

  test.each([
    ['en', 'Enough for 45 × Answers, 180 × Words, or 3 × Pictures'],
    ['de', 'Reicht für 45 × Answers, 180 × Words oder 3 × Pictures'],
  ])('is named for three features that can be used, in %s', async (locale, text) => {
    const costs: [string, string][] = [
      ['Answers', '2'],
      ['Too dear', '91'],
      ['Free', '0'],
      ['Words', '0.5'],
      ['Pictures', '29.9'],
      ['Fourth', '1'],
    ];
    await shown(costs, locale);
    await screen.findByText(text);
  });

  test('is not named where the balance is below every cost', async () => {
    await shown([['Too dear', '91']], 'en');
    await screen.findByText('Breakdown');
    expect(screen.queryByText(/^Enough/)).toBeNull();
  });
});

describe('the payment form', () => {
  test('adds the card that is chosen, and hands it over', async () => {
    const customerId = await newCustomer();
    const [onSuccess, onCancel] = [vi.fn<(added?: PaymentMethod) => void>(), vi.fn()];
    const { below } = provided(await tokenOf(customerId));
    render(below(<PaymentForm onSuccess={onSuccess} onCancel={onCancel} />));
    fireEvent.click(await screen.findByRole('radio', { name: /Mastercard/ }));
    fireEvent.click(screen.getByRole('button', { name: 'Add card' }));
    await waitFor(() => {
      expect(onSuccess).toHaveBeenCalled();
    });
    const path = `/customers/${customerId}/payment-methods`;
    const { data } = await ask<{ data: PaymentMethod[] }>(path);
    expect(data).toMatchObject([{ cardBrand: 'mastercard', cardLast4: '4444' }]);
    expect(onSuccess.mock.calls).toMatchObject([[{ id: data[0]?.id }]]);
    expect(onCancel).not.toHaveBeenCalled();
    fireEvent.click(screen.getByRole('button', { name: 'Cancel' }));
    expect(onCancel).toHaveBeenCalledTimes(1);
  });

  test('confirms what a call wants a form for, after a decline too', async () => {
    const customerId = await newCustomer();
    await addCard(customerId, 'requires_form');
    const onSuccess = vi.fn<(added?: PaymentMethod) => void>();
    const { below, run } = provided(await tokenOf(customerId));
    const { result, unmount } = run(() => useTopUp());
    const outcome = await act(() =>
      result.current.topUp({ creditCurrencyId: shop.money, amount: 2500 }),
    );
    if (outcome.kind !== 'requires_form') throw new Error(outcome.kind);
    unmount();
    render(below(<PaymentForm client={outcome.client} amount="€25.00" onSuccess={onSuccess} />));
    fireEvent.click(await screen.findByRole('button', { name: 'Decline payment' }));
    await screen.findByText(/^The payment was declined\./);
    expect(onSuccess).not.toHaveBeenCalled();
    fireEvent.click(screen.getByRole('button', { name: 'Pay €25.00' }));
    await waitFor(() => {
      expect(onSuccess).toHaveBeenCalledTimes(1);
    });
    const path = `/customers/${customerId}/credit-accounts`;
    await expect
      .poll(async () => (await ask<{ data: object[] }>(path)).data)
      .toMatchObject([{ balance: 2500 }]);
  });

  test("leads to the page of an organization's own processor, and back", async () => {
    const { below } = provided(await tokenOf(subscriber));
    for (const [type, name] of [
      ['setup', 'Add card'],
      ['payment', 'Confirm payment'],
    ] as const) {
      const clientSecret = 'https://pay.example.com/form/1?a=b';
      const client: FormClient = { processor: 'http', type, clientSecret };
      const { unmount } = render(below(<PaymentForm client={client} onSuccess={vi.fn()} />));
      const link = await screen.findByRole('link', { name });
      const form = new URL(link.getAttribute('href') ?? '');
      expect(form.origin + form.pathname).toBe('https://pay.example.com/form/1');
      expect([...form.searchParams]).toEqual([
        ['a', 'b'],
        ['return_url', location.href],
      ]);
      unmount();
    }
  });

  test('says so where it does not know the processor', async () => {
    const client: FormClient = { processor: 'acme-pay', type: 'setup', clientSecret: 'secret' };
    const { below, requests } = provided(await tokenOf(subscriber));
    render(below(<PaymentForm client={client} onSuccess={vi.fn()} />));
    expect(screen.getByText('This page does not support payments through acme-pay.')).toBeTruthy();
    expect(screen.queryByRole('button')).toBeNull();
    expect(requests.filter((one) => one.startsWith('POST'))).toEqual([]);
  });
});

test('a dialog that is not open is not there, and previews nothing', async () => {
  const { below, requests } = provided(await tokenOf(subscriber));
  const { container } = render(
    below(
      <>
        <PlanChangeDialog planId={shop.plans.scale} open={false} onClose={vi.fn()} />
        <BillingDetails />
      </>,
    ),
  );
  await screen.findByText('ada@example.com');
  expect(container.querySelector('dialog')).toBeNull();
  expect(requests.filter((one) => one.includes('preview'))).toEqual([]);
});
