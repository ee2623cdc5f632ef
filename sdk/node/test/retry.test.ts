import { expect, test } from 'vitest';

import {
  ApiError,
  ConnectionError,
  InternalServerError,
  NotFoundError,
  RateLimitError,
  TimeoutError,
} from '../src/index.js';
import { readRetryAfter, retryDelay } from '../src/retry.js';

const NOW = Date.parse('2027-01-15T08:00:00.000Z');
const unavailable = new InternalServerError({ status: 503, message: '' });

function asking(retryAfter: string): ApiError {
  const headers = new Headers({ 'retry-after': retryAfter });
  return new RateLimitError({ status: 429, message: '', headers });
}

test('the pause doubles up to eight seconds', () => {
  const pauses = [0, 1, 2, 3, 4, 5, 50].map((failed) => retryDelay(unavailable, failed, 1, NOW));
  expect(pauses).toEqual([500, 1000, 2000, 4000, 8000, 8000, 8000]);
});

test('the pause is spread over its upper half', () => {
  expect(retryDelay(unavailable, 0, 0, NOW)).toBe(250);
  expect(retryDelay(unavailable, 0, 0.5, NOW)).toBe(375);
});

test('only what may pass is tried again', () => {
  const passing = [
    new ConnectionError({ status: 0, message: '' }),
    new TimeoutError({ status: 0, message: '' }),
    ...[429, 500, 502, 503, 504, 599].map((status) => new ApiError({ status, message: '' })),
  ];
  for (const error of passing) expect(retryDelay(error, 0, 1, NOW)).toBe(500);
  const lasting = [
    new NotFoundError({ status: 404, message: '' }),
    ...[200, 302, 400, 401, 403, 408, 409, 422].map(
      (s) => new ApiError({ status: s, message: '' }),
    ),
    new Error('of another kind'),
    'a text',
  ];
  for (const error of lasting) expect(retryDelay(error, 0, 1, NOW)).toBeUndefined();
});

test('Retry-After is never undercut', () => {
  expect(retryDelay(asking('0'), 0, 1, NOW)).toBe(500);
  expect(retryDelay(asking('7'), 0, 1, NOW)).toBe(7000);
  expect(retryDelay(asking('60'), 0, 1, NOW)).toBe(60_000);
});

test('a Retry-After over a minute is not waited for', () => {
  expect(retryDelay(asking('61'), 0, 1, NOW)).toBeUndefined();
  expect(retryDelay(asking('9'.repeat(400)), 0, 1, NOW)).toBeUndefined();
});

test('Retry-After is read in both of its forms, and nothing else is', () => {
  const read = (value: string) => readRetryAfter(new Headers({ 'retry-after': value }), NOW);
  expect(read('120')).toBe(120);
  expect(read('Fri, 15 Jan 2027 08:00:09 GMT')).toBe(9);
  expect(read('Fri, 15 Jan 2027 07:00:00 GMT')).toBe(0);
  for (const other of ['', 'soon', '-1', '1.5', 'GMT', 'never GMT']) {
    expect(read(other)).toBeUndefined();
  }
  expect(readRetryAfter(new Headers(), NOW)).toBeUndefined();
});
