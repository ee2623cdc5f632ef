/**
 * What the tabs of one session tell each other. It works on plain-http origins too, and nobody
 * waits for a tab that is frozen: messages are hints, the server decides.
 */
export type Message =
  /**
   * Its tab is about to refresh the token of that `jti` in `wait` milliseconds, and the lowest
   * `rank` of those that announced goes; or it asks for a newer token, with neither.
   */
  | { type: 'need'; jti: string; rank?: number; wait?: number }
  /** A token that is newer than the one before. */
  | { type: 'token'; token: string; isLast: boolean }
  /** The server refused the session: see for yourself. */
  | { type: 'check' }
  | { type: 'signed_out' };

export class Channel {
  #channel: BroadcastChannel | null = null;
  readonly #onMessage: (message: Message) => void;

  constructor(onMessage: (message: Message) => void) {
    this.#onMessage = onMessage;
  }

  get isOpen(): boolean {
    return this.#channel !== null;
  }

  open(base: string, sid: string): void {
    this.close();
    if (typeof BroadcastChannel === 'undefined') return;
    this.#channel = new BroadcastChannel(`unitpay:${base}:${sid}`);
    this.#channel.onmessage = ({ data }: MessageEvent<Message>) => {
      this.#onMessage(data);
    };
  }

  post(message: Message): void {
    this.#channel?.postMessage(message);
  }

  close(): void {
    this.#channel?.close();
    this.#channel = null;
  }
}
