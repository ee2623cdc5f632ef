/**
 * Sends the exchange while the rest of the page loads. Its response is all the data of the first
 * view. This module imports nothing, so that it runs before all others.
 */
export interface Answer {
  status: number;
  /** The exchange's answer, or a problem; empty where it was no JSON. */
  body: object;
}

/** The path of the server's public URL, which the page's own path begins with; often empty. */
export const base = location.pathname.replace(/\/portal\/?$/, '');

/** Null where no server answered. It never rejects. */
export type Opening = Promise<Answer | null>;

/** Exchanges a code or the session's cookie; with `/link`, asks for a new link. */
export function exchange(body: { code: string } | { sid: string }, path = ''): Opening {
  return fetch(`${base}/v1/portal-sessions/exchange${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  }).then(
    async (answer) => ({
      status: answer.status,
      body: (await answer.json().catch(() => ({}))) as object,
    }),
    () => null,
  );
}

/**
 * The text after `#`: a session's id, followed at its first opening by a code. The session of a link from
 * an e-mail has the e-mail's id.
 */
const code = location.hash.slice(1);
export const sid = (code.split('.', 1)[0] ?? '').replace(/^eml/, 'ps');
export const isFirst = code.includes('.');
export const credential = isFirst ? { code } : { sid };

/** Undefined where the address has no session. */
export const opening = sid ? exchange(credential) : undefined;
