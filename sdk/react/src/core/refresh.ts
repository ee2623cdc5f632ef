/**
 * When and by which tab the token of a session is refreshed.
 *
 * All tabs of a session plan the same refresh at times of their own. Each says so before it asks
 * the server; the others then hold back until the new token arrives, or until it does not.
 */
import type { Message } from './channel.js';
import { ApiError } from './errors.js';
import { sleep } from './http.js';
import { isHidden } from './page.js';
import type { PortalSession } from './session.js';
import type { PortalToken } from './token.js';

const LONGEST_LEAD_MS = 300_000;
const LONGEST_BACKOFF_MS = 30_000;
/** Beyond some weeks timers are over at once. */
const LONGEST_TIMER_MS = 1e9;

interface Refreshed {
  token: string;
  expiresAt: string;
  absoluteExpiresAt: string;
}

export class Refresher {
  readonly #session: PortalSession;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #run: AbortController | null = null;
  /** By the server's clock, like all times in this class. */
  #dueAt: number | null = null;
  #failures = 0;
  /** The session reached its absolute end with this token: only `getPortalToken` goes further. */
  #isLast = false;
  /** The rank of this tab's current announcement. */
  #rank: number | null = null;
  #heldUntil = 0;

  constructor(session: PortalSession) {
    this.#session = session;
  }

  start(): void {
    this.#dueAt ??= this.#plannedTime();
    this.tick();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#run?.abort();
  }

  /** Starts over with a new token. */
  restart(isLast: boolean): void {
    this.#isLast = isLast;
    this.#failures = 0;
    this.#heldUntil = 0;
    this.#dueAt = this.#plannedTime();
    this.tick();
  }

  /** Plans another try after a temporary failure. */
  retryLater(error?: unknown): void {
    const now = this.#now();
    const backoff = 1000 * 2 ** this.#failures * (1 + Math.random());
    const asked = error instanceof ApiError ? (error.retryAfter ?? 0) * 1000 : 0;
    this.#failures += 1;
    this.#dueAt = now + Math.max(asked, Math.min(LONGEST_BACKOFF_MS, backoff));
    const { token, isRefused } = this.#session;
    // One more time before the end, where a second is left for it.
    const last = token && !isRefused ? token.exp - refreshLead(token) / 10 : Infinity;
    if (asked === 0 && last >= now + 1000) this.#dueAt = Math.min(this.#dueAt, last);
    this.tick();
  }

  /** Retries at once after the network has returned. */
  retryNow(): void {
    if (this.#failures > 0) this.#dueAt = this.#now();
    this.tick();
  }

  /** Runs the refresh if it is due, else sets the timer. */
  tick(): void {
    clearTimeout(this.#timer);
    const { isAttached, endError, isRefused, token, clock } = this.#session;
    if (!isAttached || endError || this.#run || this.#dueAt === null) return;
    // Its end comes first where nothing is due before it.
    const endsAt = token && clock.known && !isRefused ? token.exp : Infinity;
    const wait = Math.min(this.#dueAt, endsAt) - this.#now();
    if (wait <= 0) void this.#runOnce();
    else
      this.#timer = setTimeout(
        () => {
          this.tick();
        },
        Math.min(wait, LONGEST_TIMER_MS),
      );
  }

  onNeed({ jti, rank }: Message & { type: 'need' }): void {
    const { token } = this.#session;
    if (!token) return;
    if (jti !== token.jti) {
      if (!(Number(jti.slice(token.sid.length + 1)) > token.generation)) {
        this.#session.post({ type: 'token', token: token.text, isLast: this.#isLast });
      }
      return;
    }
    if (rank === undefined || this.#isLast || (this.#rank !== null && this.#rank < rank)) return;
    // Should nothing come of it there is time for one more.
    this.#heldUntil = token.exp - refreshLead(token) / 10;
    this.#dueAt = Math.max(this.#dueAt ?? 0, this.#heldUntil);
    this.tick();
  }

  #now(): number {
    return this.#session.clock.now();
  }

  #plannedTime(): number {
    const { token } = this.#session;
    return token ? token.exp - refreshLead(token) * (0.5 + 0.4 * Math.random()) : 0;
  }

  async #runOnce(): Promise<void> {
    const run = new AbortController();
    this.#run = run;
    const { refusal, token } = this.#session;
    try {
      // Both say to the session what came of it; a rejection is only for those who wait for a token.
      if (refusal) await this.#session.recover(refusal);
      else if (token && this.#isLast) await this.#renew();
      else if (token) await this.#refresh(token, run.signal);
    } catch (error) {
      await this.#onFailure(error, token);
    } finally {
      this.#rank = null;
      this.#run = null;
      this.tick();
    }
  }

  async #refresh(token: PortalToken, signal: AbortSignal): Promise<void> {
    const wait = this.#politePause(token);
    this.#rank = Math.random();
    this.#session.post({ type: 'need', jti: token.jti, rank: this.#rank });
    await sleep(wait, signal);
    const isStale = () => signal.aborted || this.#session.token !== token;
    if (isStale() || this.#session.endError || this.#heldUntil > this.#now()) return;
    this.#session.setState('refreshing');
    const read = (response: Response) => response.json() as Promise<Refreshed>;
    const path = '/portal-sessions/refresh';
    const answer = await this.#session.send({ token, method: 'POST', path, read });
    const isLast = answer.expiresAt === answer.absoluteExpiresAt;
    if (this.#session.adoptRefreshed(answer.token, isLast)) {
      if (isLast) this.#dueAt = this.#now();
    } else if (this.#session.token === token) {
      this.#session.setState('active');
      this.#isLast = isLast;
      this.retryLater();
      // It came too early, by a clock that is right by now.
      this.#dueAt = isLast ? this.#now() : Math.max(this.#dueAt ?? 0, this.#plannedTime());
    }
  }

  /**
   * Returns how long to wait for a sibling's refresh, at most until a tenth of the lead is left. In
   * a hidden page both timers of a refresh fire up to a second late.
   */
  #politePause(token: PortalToken): number {
    const lead = refreshLead(token);
    const late = isHidden() ? 2000 : 0;
    const longest = late ? Math.min(10_000, lead / 2) : Math.min(2000, lead / 4);
    const room = token.exp - lead / 10 - late - this.#now();
    return Math.max(0, Math.min(Math.random() * longest, room));
  }

  async #renew(): Promise<void> {
    if (await this.#session.renew('token_expired')) return;
    // There is no other: this token lives until its end.
    this.#dueAt = Infinity;
    if (!this.#session.endError) this.#session.setState('active');
  }

  async #onFailure(error: unknown, token: PortalToken | null): Promise<void> {
    if (error instanceof ApiError && error.status === 401 && token && !this.#session.refusal) {
      await this.#session.replaceRefused(token, error).catch(() => undefined);
    }
    const { endError, isRefused } = this.#session;
    if (endError || isRefused || this.#session.token !== token) return;
    this.#session.setState('degraded');
    this.retryLater(error);
  }
}

/** Returns how long before its expiry a token may be refreshed; the server refuses earlier. */
function refreshLead(token: PortalToken): number {
  return Math.min(LONGEST_LEAD_MS, (token.exp - token.iat) / 4);
}
