/**
 * Messages between the tabs of one session. They are hints that a frozen tab may miss; the server
 * decides. It works on plain-http origins too.
 */
export type Message =
  /**
   * Announces a refresh of the token `jti`; of concurrent announcements the lowest `rank` wins.
   * Without a rank it asks for a newer token.
   */
  | { type: 'need'; jti: string; rank?: number }
  /** A newer token. */
  | { type: 'token'; token: string; isLast: boolean }
  /** The server refused the session, so each tab should check its own. */
  | { type: 'check' }
  | { type: 'signed_out' };

/** Returns null if the browser has no channels. */
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
