import type { RequestOptions, Transport } from '../transport.js';
import type {
  AddPaymentMethod,
  PaymentMethod,
  PaymentMethodDependencies,
  PaymentSetup,
} from '../types.js';

/** `unitpay.paymentMethods`. Card numbers go from the browser to the processor, never through here. */
export class PaymentMethods {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Prepares the processor's form in the browser. */
  setup(customerId: string, options?: RequestOptions): Promise<PaymentSetup> {
    const path = ['customers', customerId, 'payment-methods', 'setup'];
    return this.#transport.send({ method: 'POST', path }, options);
  }

  /** Adds what the processor's form gave. */
  add(
    customerId: string,
    method: AddPaymentMethod,
    options?: RequestOptions,
  ): Promise<PaymentMethod> {
    const path = ['customers', customerId, 'payment-methods'];
    return this.#transport.send({ method: 'POST', path, body: method }, options);
  }

  setDefault(id: string, options?: RequestOptions): Promise<PaymentMethod> {
    return this.#transport.send(
      { method: 'POST', path: ['payment-methods', id, 'default'] },
      options,
    );
  }

  /** Rejects with a `ConflictError` of the code `payment_method_in_use` where something needs it. */
  remove(id: string, options?: RequestOptions): Promise<void> {
    return this.#transport.send({ method: 'DELETE', path: ['payment-methods', id] }, options);
  }

  /** Returns the subscriptions and top-ups that depend on a payment method. */
  dependencies(id: string, options?: RequestOptions): Promise<PaymentMethodDependencies> {
    const path = ['payment-methods', id, 'dependencies'];
    return this.#transport.send({ method: 'GET', path }, options);
  }
}
