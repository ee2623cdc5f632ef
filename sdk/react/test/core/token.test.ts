import { expect, test, vi } from 'vitest';

import { ServerClock } from '../../src/core/clock.js';
import { readToken, replaces } from '../../src/core/token.js';

const claims = {
  iss: 'https://billing.example.com',
  sub: 'cus_1',
  sid: 'ps_1',
  jti: 'ps_1',
  iat: 1000,
  exp: 4600,
  scope: 'customer:read usage:read',
};

const write = (changes: object) =>
  `h.${Buffer.from(JSON.stringify({ ...claims, ...changes })).toString('base64url')}.s`;

function token(changes: object) {
  const read = readToken(write(changes));
  if (!read) throw new Error('no token');
  return read;
}

test('a token tells its session, its generation and its life', () => {
  expect(token({ jti: 'ps_1.12' })).toMatchObject({
    sid: 'ps_1',
    generation: 12,
    iat: 1_000_000,
    exp: 4_600_000,
    scopes: ['customer:read', 'usage:read'],
  });
});

test.for([
  '',
  'a',
  'a.b.c',
  'a.bnVsbA.c',
  'a.W10.c',
  write({ sub: undefined }),
  write({ exp: '4600' }),
  write({ exp: 1000 }),
  write({ iss: 'javascript:alert(1)//' }),
  write({ jti: 'ps_2' }),
  write({ jti: 'ps_1.x' }),
])('%j is no token', (text) => {
  expect(readToken(text)).toBeNull();
});

test('only a newer token of the same customer replaces one', () => {
  const current = token({ jti: 'ps_1.2', iat: 2000 });
  expect(replaces(token({ jti: 'ps_1.3' }), current)).toBe(true);
  expect(replaces(token({ jti: 'ps_1.1', iat: 3000 }), current)).toBe(false);
  expect(replaces(current, current)).toBe(false);
  expect(replaces(token({ sid: 'ps_2', jti: 'ps_2', iat: 2000 }), current)).toBe(true);
  expect(replaces(token({ sid: 'ps_2', jti: 'ps_2', iat: 1999 }), current)).toBe(false);
  expect(replaces(token({ sub: 'cus_2', jti: 'ps_1.3' }), current)).toBe(false);
});

test("the server's clock is this one until an answer says otherwise, by no more than it says", () => {
  vi.useFakeTimers({ now: 10_400 });
  const at = (seconds: number) => new Date(seconds * 1000).toUTCString();
  const clock = new ServerClock(() => undefined);
  expect([clock.known, clock.now()]).toEqual([false, 10_400]);
  clock.observe(at(10), 10_390, 10_400);
  expect([clock.known, clock.now()]).toEqual([true, 10_400]);
  clock.observe(at(70), 10_390, 10_400);
  expect(clock.now()).toBe(70_000);
  clock.observe(null, 0, 0);
  clock.observe('yesterday', 0, 0);
  expect(clock.now()).toBe(70_000);
  vi.useRealTimers();
});
