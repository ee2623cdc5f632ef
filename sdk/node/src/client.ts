import { readConfig, type UnitPayOptions } from './config.js';
import { ApiKeys } from './resources/api-keys.js';
import { AuditEvents } from './resources/audit-events.js';
import { Customers } from './resources/customers.js';
import { PortalSessions } from './resources/portal-sessions.js';
import { systemRuntime } from './runtime.js';
import { Transport } from './transport.js';

/**
 * A client for your server. Make one and keep it: it holds the public keys that `verify` uses.
 *
 * It keeps the secret key where neither `JSON.stringify` nor a debugger's print-out reaches it.
 */
export class UnitPay {
  readonly apiKeys: ApiKeys;
  readonly auditEvents: AuditEvents;
  readonly customers: Customers;
  readonly portalSessions: PortalSessions;

  /** Throws a `TypeError` or `RangeError` for options that could never work. */
  constructor(options: UnitPayOptions = {}) {
    const transport = new Transport(readConfig(options), systemRuntime);
    this.apiKeys = new ApiKeys(transport);
    this.auditEvents = new AuditEvents(transport);
    this.customers = new Customers(transport);
    this.portalSessions = new PortalSessions(transport);
  }
}
