/** Base64url without padding (RFC 4648 section 5), in its one canonical spelling. */

/** At least one byte; undefined where the text is not what encoding those very bytes gives. */
export function decodeBase64url(text: string): Uint8Array<ArrayBuffer> | undefined {
  // Four characters hold three bytes, so one left over holds none.
  if (!/^[A-Za-z0-9_-]+$/.test(text) || text.length % 4 === 1) return undefined;
  const base64 = text.replaceAll('-', '+').replaceAll('_', '/');
  const binary = atob(base64);
  // `atob` ignores the unused low bits of the last character, by which a text could vary.
  if (btoa(binary).replace(/=+$/, '') !== base64) return undefined;
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
