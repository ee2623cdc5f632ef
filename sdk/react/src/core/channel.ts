/**
 * What the tabs of one session tell each other. It works on plain-http origins too, and nobody
 * waits for a tab that is frozen: messages are hints, the server decides.
 */
export type Message =
  /**
   * Its tab is about to refresh the token of that `jti`, and the lowest `rank` of those that say so
   * at once goes; or, with no rank, it asks for a newer token.
   */
  | { type: 'need'; jti: string; rank?: number }
  /** A token that is newer than the one before. */
  | { type: 'token'; token: string; isLast: boolean }
  /** The server refused the session: see for yourself. */
  | { type: 'check' }
  | { type: 'signed_out' };

/** Null where there are no channels. */
export function openChannel(
  base: string,
  sid: string,
  onMessage: (message: Message) => void,
): BroadcastChannel | null {
  if (typeof BroadcastChannel === 'undefined') return null;
  const channel = new BroadcastChannel(`unitpay:${base}:${sid}`);
  channel.onmessage = ({ data }: MessageEvent<Message>) => {
    onMessage(data);
  };
  return channel;
}
