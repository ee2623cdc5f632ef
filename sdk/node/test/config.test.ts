import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { UnitPay, type UnitPayOptions } from '../src/index.js';
import { readConfig } from '../src/config.js';
import { Transport } from '../src/transport.js';
import { ManualRuntime } from './support/runtime.js';

const KEY = 'upay_sk_0123456789abcdef';
const TOKEN = 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJjdXNfMTIzIn0.c2lnbmF0dXJl';

beforeEach(() => {
  vi.stubEnv('UNITPAY_API_KEY', undefined);
  vi.stubEnv('UNITPAY_BASE_URL', undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

test('the key comes from the options, else from the environment', () => {
  expect(readConfig({ apiKey: KEY }).apiKey).toBe(KEY);
  vi.stubEnv('UNITPAY_API_KEY', 'upay_sk_environment');
  expect(readConfig({ apiKey: undefined }).apiKey).toBe('upay_sk_environment');
  expect(readConfig({ apiKey: KEY }).apiKey).toBe(KEY);
});

test('no key at all is refused, with what to do', () => {
  expect(() => new UnitPay()).toThrow(/apiKey.*UNITPAY_API_KEY/);
  expect(() => new UnitPay({ apiKey: '' })).toThrow(/No API key/);
  vi.stubEnv('UNITPAY_API_KEY', '');
  expect(() => new UnitPay({ apiKey: process.env.UNITPAY_API_KEY })).toThrow(/No API key/);
});

test('a portal token is refused, with where it belongs', () => {
  const options = { apiKey: KEY, portalToken: TOKEN } as unknown as UnitPayOptions;
  expect(() => new UnitPay(options)).toThrow(/@unitpay\/react/);
  // @ts-expect-error -- the types refuse it too
  expect(() => new UnitPay({ portalToken: TOKEN })).toThrow(/@unitpay\/react/);
});

test.for([
  ['upay_pk_0123456789abcdef', /publishable/],
  [TOKEN, /JWT/],
  [`${KEY}\n`, /white space/],
  [`${KEY}é`, /characters/],
] as const)('the key %j is refused and not shown', ([apiKey, reason]) => {
  expect(() => new UnitPay({ apiKey })).toThrow(reason);
  expect(() => new UnitPay({ apiKey })).not.toThrow(apiKey.slice(8, 20));
});

test('the base URL comes from the options, else from the environment, else it is the local one', () => {
  expect(readConfig({ apiKey: KEY }).baseUrl).toBe('http://127.0.0.1:4000/v1');
  vi.stubEnv('UNITPAY_BASE_URL', '');
  expect(readConfig({ apiKey: KEY }).baseUrl).toBe('http://127.0.0.1:4000/v1');
  vi.stubEnv('UNITPAY_BASE_URL', 'https://pay.example.com/v1/');
  expect(readConfig({ apiKey: KEY }).baseUrl).toBe('https://pay.example.com/v1');
  const baseUrl = 'https://other.example.com/v1';
  expect(readConfig({ apiKey: KEY, baseUrl }).baseUrl).toBe(baseUrl);
});

test.for([
  ['https://pay.example.com/v1', 'https://pay.example.com'],
  ['https://PAY.example.com:443/v1/', 'https://pay.example.com'],
  ['http://gateway.internal/unitpay/v1', 'http://gateway.internal/unitpay'],
  ['http://gateway.internal/unitpay', 'http://gateway.internal/unitpay'],
] as const)("the server's own address is the base URL %s without /v1", ([baseUrl, origin]) => {
  const transport = new Transport(readConfig({ apiKey: KEY, baseUrl }), new ManualRuntime());
  expect(transport.origin).toBe(origin);
});

test.for([
  { baseUrl: 'pay.example.com/v1' },
  { baseUrl: '' },
  { baseUrl: 'file:///v1' },
  { baseUrl: 'https://user:secret@pay.example.com/v1' },
  { baseUrl: 'https://pay.example.com/v1?key=secret' },
  { timeout: 0 },
  { timeout: -1 },
  { timeout: NaN },
  { timeout: Infinity },
  { timeout: 2 ** 31 },
  { retries: -1 },
  { retries: 1.5 },
  { retries: Infinity },
  { idempotencyKeyPrefix: 'with space' },
  { idempotencyKeyPrefix: 'x'.repeat(201) },
])('%j is refused', (options) => {
  expect(() => new UnitPay({ apiKey: KEY, ...options })).toThrow(Error);
  expect(() => new UnitPay({ apiKey: KEY, ...options })).not.toThrow('secret');
});

test('it works where there is no process, as in Workers', () => {
  vi.stubGlobal('process', undefined);
  try {
    expect(() => new UnitPay()).toThrow(/No API key/);
    expect(readConfig({ apiKey: KEY }).apiKey).toBe(KEY);
  } finally {
    vi.unstubAllGlobals();
  }
});
