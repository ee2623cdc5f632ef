/**
 * A portal session in this page: keeps its newest token alive and ends it.
 *
 * It outlives the views: unmounting stops the timers but keeps the token, and mounting with any of
 * its tokens continues with the newest. Tokens are kept in memory only.
 */
import type { Scope } from '../api-types.js';
import { resolveBase } from './base.js';
import { openChannel, type Message } from './channel.js';
import { ServerClock } from './clock.js';
import { ApiError } from './errors.js';
import { exchange, sleep, type Fetch } from './http.js';
import { listenToPage } from './page.js';
import { Refresher } from './refresh.js';
import { fetchToken, type GetPortalToken } from './renew.js';
import { readToken, replaces, type PortalToken } from './token.js';

/** The state of the portal session. `degraded`: the server cannot be reached. */
export type SessionState =
  'pending' | 'active' | 'refreshing' | 'degraded' | 'expired' | 'signed_out';

/** The reason for the end of a session. */
export type EndReason =
  'revoked' | 'archived' | 'expired' | 'subject_changed' | 'signed_out_elsewhere';

/** The callbacks and options of a host page, read when they are needed. */
export interface Host {
  fetch?: Fetch | undefined;
  /** Called once when the session ended, but not in the tab that signed out. */
  onSessionExpired?: ((reason: EndReason) => void) | undefined;
  /**
   * Gets a token of a new session of the same customer: a function, or a route of this origin that
   * answers POST with `{token}`. Called when a session cannot be refreshed. React's provider also
   * calls it when it mounts without `portalToken`.
   */
  getPortalToken?: GetPortalToken | undefined;
}

/** Time for sibling tabs to offer a newer token. */
const SIBLINGS_MS = 300;
/** Between two questions whether a page out of the back-forward cache may show its data. */
const UNVEIL_PAUSE_MS = 2000;

const CURRENT = '/portal-sessions/current';
const nothing = () => Promise.resolve();

/** The codes by which the server says that a token opens nothing any more. */
const END_REASONS = {
  session_revoked: 'revoked',
  customer_archived: 'archived',
  token_expired: 'expired',
  invalid_token: 'expired',
} as const;

export type EndCode = keyof typeof END_REASONS;

/** A portal session in this page: its newest token, its state and its end. */
export class PortalSession {
  /** Increases after each change of the getters' values. */
  version = 0;
  readonly clock = new ServerClock(() => {
    this.#refresher.tick();
  });
  #token: PortalToken | null;
  #state: SessionState = 'active';
  #endError: ApiError | null = null;
  /** Set while the newest token is refused and has no replacement yet. */
  #refusal: EndCode | null = null;
  #recovery: Promise<void> | null = null;
  #isVeiled = false;
  #isReported = false;
  #unlisten: () => void = () => undefined;
  #abort = new AbortController();
  readonly #base: string | null;
  readonly #names = new Set<string>();
  readonly #hosts = new Set<() => Host>();
  readonly #listeners = new Set<() => void>();
  #channel: BroadcastChannel | null = null;
  readonly #refresher: Refresher;

  /** `text` may be no token at all: `getPortalToken` may still bring one. `base` null: as the token says. */
  constructor(base: string | null, text: string) {
    this.#base = base;
    this.#token = readToken(text);
    this.#names.add(this.#token?.sid ?? text);
    this.#refresher = new Refresher(this);
  }

  /** The API's address with its `/v1`. */
  get base(): string {
    return this.#base ?? resolveBase({}, this.#token) ?? '';
  }

  /** Returns whether a session id or an invalid token belongs to this session. */
  isKnownAs(name: string): boolean {
    return this.#names.has(name);
  }

  get state(): SessionState {
    return this.#state;
  }

  /** The newest token, even after the session has ended. */
  get token(): PortalToken | null {
    return this.#token;
  }

  get customerId(): string | null {
    return this.#token?.sub ?? null;
  }

  get scopes(): readonly Scope[] {
    return this.#token?.scopes ?? [];
  }

  can(scope: Scope): boolean {
    return this.scopes.includes(scope);
  }

  /** The expiry of the newest token, by the server's clock. */
  get expiresAt(): Date | null {
    return this.#token && new Date(this.#token.exp);
  }

  /** The error of every call after the session has ended; null before. */
  get endError(): ApiError | null {
    return this.#endError;
  }

  /** True after the back-forward cache until the server has confirmed the session; hide all data. */
  get isVeiled(): boolean {
    return this.#isVeiled;
  }

  /** Aborts calls in progress when the customer changes or the session ends. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /**
   * Why the newest token opens nothing any more; null while it may. Before the first answer its end
   * is not certain: only this machine's clock tells it.
   */
  get refusal(): EndCode | null {
    if (!this.#token) return 'invalid_token';
    const isOver = this.clock.known && this.clock.now() >= this.#token.exp;
    return this.#refusal ?? (isOver ? 'token_expired' : null);
  }

  /** The server refused the newest token, and nothing has taken its place yet. */
  get isRefused(): boolean {
    return this.#refusal !== null;
  }

  get isAttached(): boolean {
    return this.#hosts.size > 0;
  }

  /** Calls `listener` after each change of the getters' values. */
  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  };

  /** Keeps the session alive until the returned function is called. */
  attach(host: () => Host): () => void {
    if (this.#abort.signal.aborted && !this.#endError) this.#abort = new AbortController();
    this.#hosts.add(host);
    if (this.#hosts.size === 1) this.#start();
    return () => {
      this.#hosts.delete(host);
      if (this.#hosts.size === 0) this.#stop();
    };
  }

  /** Aborts all calls, because the page switches to another customer. */
  retire(): void {
    this.#abort.abort(endErrorOf('invalid_token'));
  }

  /** Adopts a newer token of the same customer; returns false for any other token. */
  adopt(text: string, { isLast = false } = {}): boolean {
    const next = readToken(text);
    if (!next || (this.#token && !replaces(next, this.#token))) return false;
    if (this.#token && this.#token.sid !== next.sid) {
      // Siblings go along, since they listen on the former session's channel.
      this.post({ type: 'token', token: text, isLast });
      this.#isReported = false;
    }
    this.#token = next;
    this.#names.add(next.sid);
    if (this.#channel) this.#tune();
    this.#refusal = null;
    if (this.#endError) {
      this.#endError = null;
      this.#abort = new AbortController();
    }
    this.setState('active');
    this.#refresher.restart(isLast);
    return true;
  }

  /** Adopts the result of a refresh and sends it to the sibling tabs. */
  adoptRefreshed(text: string, isLast: boolean): boolean {
    const isNew = this.adopt(text, { isLast });
    if (isNew) this.post({ type: 'token', token: text, isLast });
    return isNew;
  }

  /** Sends a message to the sibling tabs. */
  post(message: Message): void {
    this.#channel?.postMessage(message);
  }

  setState(state: SessionState): void {
    this.#state = state;
    this.version += 1;
    for (const listener of this.#listeners) listener();
  }

  /** Sends one request without retries or recovery. */
  send<T>(request: {
    token: PortalToken;
    method: string;
    path: string;
    headers?: Record<string, string>;
    body?: string | undefined;
    read: (response: Response) => Promise<T>;
  }): Promise<T> {
    const { token, method, path, body, read } = request;
    const headers = { authorization: `Bearer ${token.text}`, ...request.headers };
    const init: RequestInit = body === undefined ? { method, headers } : { method, headers, body };
    const { base, clock, fetch, signal } = this;
    return exchange({ url: base + path, init, read, fetch, clock, signal });
  }

  get fetch(): Fetch | undefined {
    return this.#pick('fetch');
  }

  /** The token to send. Where the newest one is known to be refused or over, it is replaced first. */
  async usableToken(): Promise<PortalToken> {
    this.signal.throwIfAborted();
    if (this.#endError) throw this.#endError;
    const code = this.refusal;
    if (code) await this.recover(code);
    if (!this.#token) throw endErrorOf('invalid_token');
    return this.#token;
  }

  /** Handles a 401 for `used`: resolves when a newer token replaces it, rejects otherwise. */
  async replaceRefused(used: PortalToken, error: ApiError): Promise<void> {
    if (!isEndCode(error.code)) throw error;
    if (this.#endError) throw this.#endError;
    if (this.#token && this.#token.text !== used.text) return;
    await this.recover(error.code, error);
  }

  /** Asks the siblings, then `getPortalToken`; else the session ends. Several callers share one run. */
  recover(code: EndCode, error = endErrorOf(code)): Promise<void> {
    this.#recovery ??= this.#recover(code, error).finally(() => {
      this.#recovery = null;
    });
    return this.#recovery;
  }

  /** Gets a token of a new session; false where there is no way to. Rejects where it may work later. */
  async renew(code: EndCode): Promise<boolean> {
    const getPortalToken = this.#pick('getPortalToken');
    if (!getPortalToken) return false;
    this.setState('refreshing');
    const text = await fetchToken(getPortalToken, this.fetch);
    if (text === null) return false;
    if (this.adopt(text)) return true;
    const other = readToken(text);
    if (other && other.sub !== this.customerId) this.end('subject_changed', endErrorOf(code));
    return false;
  }

  end(reason: EndReason | null, error: ApiError): void {
    if (this.#endError) return;
    this.#endError = error;
    this.#refusal = null;
    this.#isVeiled = false;
    this.#refresher.stop();
    this.#abort.abort(error);
    const signedOut = reason === null || reason === 'signed_out_elsewhere';
    if (reason === 'revoked' || reason === 'archived') this.post({ type: 'check' });
    if (reason && !this.#isReported) {
      this.#isReported = true;
      // After the listeners below: what they show is dropped by then.
      queueMicrotask(() => this.#pick('onSessionExpired')?.(reason));
    }
    this.setState(signedOut ? 'signed_out' : 'expired');
  }

  /** Ends the session on the server and in every tab. Rejects, and ends nothing, where no server answers. */
  async signOut(): Promise<void> {
    if (this.#endError || !this.#token) return;
    const token = this.#token;
    try {
      await this.send({ token, method: 'DELETE', path: CURRENT, read: nothing });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
    }
    this.post({ type: 'signed_out' });
    this.end(null, endErrorOf('session_revoked'));
  }

  async #recover(code: EndCode, error: ApiError): Promise<void> {
    const refused = this.#token;
    this.#refusal = code;
    this.setState('refreshing');
    if (this.#channel && refused) {
      this.post({ type: 'need', jti: refused.jti });
      await this.#newerThan(refused);
    }
    if (this.#endError) throw this.#endError;
    if (this.#token !== refused) return;
    try {
      if (await this.renew(code)) return;
    } catch (failure) {
      // Not an answer yet: the session may go on once the page's server can be reached.
      this.setState('degraded');
      this.#refresher.retryLater(failure);
      throw failure;
    }
    this.end(END_REASONS[code], error);
    throw error;
  }

  /** Waits until there is another token, the siblings' time at most. */
  async #newerThan(token: PortalToken): Promise<void> {
    const found = new AbortController();
    const unsubscribe = this.subscribe(() => {
      if (this.#token !== token || this.#endError) found.abort();
    });
    await sleep(SIBLINGS_MS, found.signal);
    unsubscribe();
  }

  /** Returns the option of the newest host that has it. */
  #pick<K extends keyof Host>(name: K): Host[K] {
    return [...this.#hosts].map((host) => host()[name]).findLast((value) => value !== undefined);
  }

  #onMessage(message: Message): void {
    if (this.#endError || !this.#token) return;
    switch (message.type) {
      case 'need':
        this.#refresher.onNeed(message);
        break;
      case 'token':
        this.adopt(message.token, { isLast: message.isLast });
        break;
      case 'check':
        void this.#check().catch(() => undefined);
        break;
      case 'signed_out':
        this.end('signed_out_elsewhere', endErrorOf('session_revoked'));
        break;
    }
  }

  /** Asks the server whether the session still lives. A refusal ends it; no answer rejects. */
  async #check(): Promise<void> {
    const token = await this.usableToken();
    try {
      await this.send({ token, method: 'GET', path: CURRENT, read: nothing });
    } catch (error) {
      if (!(error instanceof ApiError) || error.isPassing) throw error;
      if (error.status === 401) await this.replaceRefused(token, error);
    }
  }

  #start(): void {
    const wake = () => {
      this.#refresher.tick();
    };
    this.#unlisten = listenToPage({
      online: () => {
        if (this.#state === 'degraded') this.setState('active');
        this.#refresher.retryNow();
      },
      offline: () => {
        if (this.#state === 'active') this.setState('degraded');
      },
      visibilitychange: wake,
      resume: wake,
      pagehide: () => {
        // A page with an open channel may not be kept for the way back.
        this.#mute();
      },
      pageshow: ({ persisted }) => {
        this.#tune();
        if (persisted) void this.#unveil();
        else wake();
      },
    });
    this.#tune();
    if (this.#isVeiled) void this.#unveil();
    this.#refresher.start();
  }

  #stop(): void {
    this.#unlisten();
    this.#refresher.stop();
    this.#mute();
  }

  /** Listens to the siblings of the newest token's session. */
  #tune(): void {
    this.#mute();
    if (!this.#token) return;
    this.#channel = openChannel(this.base, this.#token.sid, (message) => {
      this.#onMessage(message);
    });
  }

  #mute(): void {
    this.#channel?.close();
    this.#channel = null;
  }

  /** Shows no data until the server has said that the session still lives. */
  async #unveil(): Promise<void> {
    if (this.#endError) return;
    this.#isVeiled = true;
    this.setState(this.#state);
    while (this.#isVeiled && this.isAttached) {
      try {
        await this.#check();
        this.#isVeiled = false;
        this.setState(this.#state);
      } catch {
        await sleep(UNVEIL_PAUSE_MS, this.signal);
      }
    }
  }
}

function isEndCode(code: string | undefined): code is EndCode {
  return code !== undefined && code in END_REASONS;
}

function endErrorOf(code: EndCode): ApiError {
  return new ApiError({ status: 401, code, message: 'The session has ended.' });
}
