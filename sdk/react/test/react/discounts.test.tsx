/** Promotion codes in the confirmation of a plan. */
import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react';
import { afterEach, beforeAll, expect, test, vi } from 'vitest';

import {
  PlanChangeStep,
  type PlanChangeDialogProps,
} from '../../src/components/plan-change-dialog.js';
import { SubscriptionCard } from '../../src/index.js';
import { defineComponent } from '../../src/ui/parts.js';
import { ask, call, mintFor, newCustomer } from '../support/backend.js';
import { provided } from '../support/provided.js';
import { addCard, newSubscriber, openShop, type Shop } from '../support/shop.js';

/** The content of the dialog, which jsdom cannot open. */
const Step = defineComponent(
  'subscriptions:write',
  ({ planId, subscriptionId, quantity, onClose }: PlanChangeDialogProps) => (
    <PlanChangeStep {...{ planId, subscriptionId, quantity, onClose }} />
  ),
);

let shop: Shop;
let code: string;

beforeAll(async () => {
  shop = await openShop();
  const terms = { name: 'Spring', percentOff: 20, duration: 'repeating', durationInPeriods: 3 };
  const { id } = await call<{ id: string }>('/coupons', terms);
  code = `spring-${crypto.randomUUID().slice(0, 8)}`;
  await call('/promotion-codes', { couponId: id, code });
});
afterEach(cleanup);

const apply = (text: string) => {
  fireEvent.change(screen.getByLabelText('Promotion code'), { target: { value: text } });
  fireEvent.click(screen.getByRole('button', { name: 'Apply', hidden: true }));
};
const button = (name: string) => screen.findByRole('button', { name, hidden: true });

async function open(customerId: string, subscriptionId?: string) {
  const { below } = provided((await mintFor(customerId)).token);
  const onClose = vi.fn();
  const planId = subscriptionId ? shop.plans.scale : shop.plans.pro;
  render(below(<Step open {...{ planId, subscriptionId, onClose }} />));
  return onClose;
}

test('a wrong code is told at its field, and a good one lowers the price', async () => {
  const customerId = await newCustomer();
  await addCard(customerId);
  const onClose = await open(customerId);
  await button('Pay €29.00');
  apply('nothing');
  await screen.findByText('This code is not valid.');
  const field = screen.getByLabelText('Promotion code');
  expect(field.getAttribute('aria-invalid')).toBe('true');
  // The price without it stays, and can be paid.
  await button('Pay €29.00');
  apply(` ${code} `);
  await button('Pay €23.20');
  expect(field.getAttribute('aria-invalid')).toBeNull();
  expect(screen.getByText(/Spring: -€5\.80/)).toBeTruthy();
  screen.getByText('Discounts included');
  // An empty field takes it back.
  apply('');
  await button('Pay €29.00');
  apply(code);
  fireEvent.click(await button('Pay €23.20'));
  await waitFor(() => {
    expect(onClose).toHaveBeenCalledTimes(1);
  });
  const { data } = await ask<{ data: { discount: unknown }[] }>(
    `/subscriptions?customerId=${customerId}`,
  );
  expect(data[0]?.discount).toMatchObject({ percentOff: 20, periodsLeft: 2, inForce: true });
  cleanup();
  const { below } = provided((await mintFor(customerId)).token);
  render(below(<SubscriptionCard />));
  await screen.findByText(/20% off for 2 more periods/);
});

test('a code comes with a change, once', async () => {
  const customerId = await newSubscriber(shop.plans.pro);
  const path = `/subscriptions?customerId=${customerId}`;
  const one = async () => (await ask<{ data: { id: string }[] }>(path)).data[0]?.id ?? '';
  const onClose = await open(customerId, await one());
  await screen.findByText('Due now');
  apply(code);
  await screen.findByText(/Spring: -/);
  fireEvent.click(await screen.findByRole('button', { name: /^Pay €/, hidden: true }));
  await waitFor(() => {
    expect(onClose).toHaveBeenCalledTimes(1);
  });
  cleanup();
  await call(`/subscriptions/${await one()}/cancel`, { mode: 'now' });
  await open(customerId);
  await button('Pay €29.00');
  apply(code);
  await screen.findByText('This code does not apply to this plan or account.');
});
