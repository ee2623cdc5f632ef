/** A provider that takes no money: customers, cards, charges and refunds in memory. */

/** A call that is refused with a code. */
export class Refused extends Error {
  constructor(status, code) {
    super(code);
    this.status = status;
    this.code = code;
  }
}

const TOKENS = { tok_good: '4242', tok_declined: '0002' };

export class Provider {
  #customers = new Map();
  #methods = new Map();
  #charges = new Map();
  #refunds = new Map();
  #formUrl;

  /** `formUrl` returns the address of the form with this reference. */
  constructor(formUrl) {
    this.#formUrl = formUrl;
  }

  customers({ customerId, name, email }) {
    const customer = `c_${customerId}`;
    this.#customers.set(customer, { name, email });
    return { customer };
  }

  setup({ customer }) {
    this.#customer(customer);
    return { form: { url: this.#formUrl(customer) } };
  }

  'methods/attach'({ customer, token }) {
    this.#customer(customer);
    if (!Object.hasOwn(TOKENS, token)) throw new Refused(422, 'unknown_token');
    return { method: this.#addMethod(customer, token).shown };
  }

  'methods/get'({ customer, method }) {
    const known = this.#methods.get(method);
    if (known?.customer !== customer) throw new Refused(404, 'unknown_method');
    return { method: known.shown };
  }

  'methods/detach'({ method }) {
    if (!this.#methods.delete(method)) throw new Refused(404, 'unknown_method');
    return {};
  }

  charges(order) {
    const key = JSON.stringify(order);
    const known = this.#charges.get(order.attemptId);
    if (known && known.key !== key) throw new Refused(409, 'key_reused');
    if (known) return { charge: known.shown };
    this.#customer(order.customer);
    const { attemptId, amount, currency, customer } = order;
    const reference = `ch_${attemptId}`;
    const shown = { attemptId, reference, amount, currency, status: 'succeeded' };
    if (order.method === null) {
      Object.assign(shown, { status: 'requires_form', form: { url: this.#formUrl(reference) } });
    } else {
      const method = this.#methods.get(order.method);
      if (method?.customer !== customer) throw new Refused(404, 'unknown_method');
      if (method.token === 'tok_declined') {
        const decline = { reason: 'card_declined', isFinal: false };
        Object.assign(shown, { status: 'declined', decline });
      }
    }
    this.#charges.set(attemptId, { key, customer, keepsCard: order.keepsCard, shown });
    return { charge: shown };
  }

  'charges/find'({ attemptId }) {
    return { charge: this.#charges.get(attemptId)?.shown ?? null };
  }

  'charges/cancel'({ charge }) {
    const { shown } = this.#charge(charge);
    if (shown.status === 'requires_form') {
      delete shown.form;
      shown.status = 'canceled';
    }
    return {};
  }

  refunds({ refundId, charge, amount, currency }) {
    const known = this.#refunds.get(refundId);
    if (known && (known.charge !== charge || known.amount !== amount)) {
      throw new Refused(409, 'key_reused');
    }
    if (known) return { refund: known };
    const { shown } = this.#charge(charge);
    if (shown.status !== 'succeeded') throw new Refused(404, 'unknown_charge');
    let left = shown.amount;
    for (const refund of this.#refunds.values()) {
      if (refund.charge === charge) left -= refund.amount;
    }
    if (amount > left) throw new Refused(422, 'amount_too_large');
    const refund = { refundId, charge, amount, currency, status: 'succeeded' };
    this.#refunds.set(refundId, refund);
    return { refund };
  }

  'refunds/find'({ refundId }) {
    return { refund: this.#refunds.get(refundId) ?? null };
  }

  /**
   * Fills in a form, as the customer does, and returns the event to send; null if there is no such form.
   */
  fillIn(reference) {
    if (this.#customers.has(reference)) {
      const { shown } = this.#addMethod(reference, 'tok_good');
      return { type: 'method.added', data: { customer: reference, method: shown.reference } };
    }
    const charge = [...this.#charges.values()].find((one) => one.shown.reference === reference);
    if (charge?.shown.status !== 'requires_form') return null;
    const { shown, customer, keepsCard } = charge;
    delete shown.form;
    shown.status = 'succeeded';
    if (keepsCard) shown.method = this.#addMethod(customer, 'tok_good').shown;
    return { type: 'charge.changed', data: { attemptId: shown.attemptId } };
  }

  #customer(reference) {
    if (!this.#customers.has(reference)) throw new Refused(404, 'unknown_customer');
  }

  #charge(reference) {
    const found = [...this.#charges.values()].find((one) => one.shown.reference === reference);
    if (!found) throw new Refused(404, 'unknown_charge');
    return found;
  }

  #addMethod(customer, token) {
    const reference = `card_${customer}_${token}`;
    const shown = { reference, brand: 'visa', last4: TOKENS[token], expMonth: 12, expYear: 2036 };
    const method = { customer, token, shown };
    this.#methods.set(reference, method);
    return method;
  }
}
