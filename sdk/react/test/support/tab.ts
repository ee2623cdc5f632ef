/** A tab of a browser, as far as the core knows: outside of a page no two connections share a session. */
import { inject, type TestContext } from 'vitest';

import { connect, type ConnectOptions, type EndReason, type SessionState } from '../../src/core.js';

export function openTab(
  { onTestFinished }: TestContext,
  portalToken: string,
  options: Partial<ConnectOptions> = {},
) {
  const reasons: EndReason[] = [];
  const states: SessionState[] = [];
  const requests: string[] = [];
  const connection = connect({
    portalToken,
    apiBaseUrl: inject('baseUrl'),
    onSessionExpired: (reason) => reasons.push(reason),
    fetch: (url, init) => {
      requests.push(`${init.method ?? 'GET'} ${new URL(url).pathname}`);
      return fetch(url, init);
    },
    ...options,
  });
  const { session } = connection;
  session.subscribe(() => {
    if (states.at(-1) !== session.state) states.push(session.state);
  });
  onTestFinished(connection.close);
  return { ...connection, reasons, states, requests };
}

/** Resolves as soon as it holds, after a change of the session. */
export function until(
  session: { subscribe: (listener: () => void) => () => void },
  holds: () => boolean,
): Promise<void> {
  return new Promise((resolve) => {
    const unsubscribe = session.subscribe(check);
    function check() {
      if (!holds()) return;
      unsubscribe();
      resolve();
    }
    check();
  });
}

/** Returns the error that a promise rejects with. */
export async function failure(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}
