/**
 * A language that nobody speaks: English with accents, two fifths longer and in brackets. A text that
 * stands outside of brackets has not been taken from the messages.
 */
const PLAIN = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
const ACCENTED = 'àƀçðéƒĝĥîĵķļɱñöþǫŕšţûṽŵẋýžÀƁÇÐÉƑĜĤÎĴĶĻṀÑÖÞǪŔŠŢÛṼŴẊÝŽ';

function accented(text: string): string {
  return text.replace(/[a-z]/gi, (letter) => ACCENTED[PLAIN.indexOf(letter)] ?? letter);
}

function longer(text: string): string {
  const words = text
    .split(/(\{\w+\})/)
    .map((part) => (part.startsWith('{') ? part : accented(part)))
    .join('');
  const padding = 'éîöûà '.repeat(text.length).slice(0, Math.ceil(text.length * 0.4));
  return `[${words} ${padding.trimEnd()}]`;
}

/** Returns the texts in that language. Their places to fill stay as they are. */
export function pseudo<T extends object>(texts: T): T {
  const entries = Object.entries(texts).map(([key, value]: [string, string | object]) => [
    key,
    typeof value === 'string' ? longer(value) : pseudo(value),
  ]);
  return Object.fromEntries(entries) as T;
}

/** Runs in the page: returns what its texts and labels have outside of brackets, if it has letters. */
export function strayTexts(): string[] {
  const outside = (text: string): string => {
    const rest = text.replace(/\[[^[\]]*\]/g, '');
    return rest === text ? rest.trim() : outside(rest);
  };
  const found = new Set<string>();
  for (const element of document.body.querySelectorAll('*')) {
    if (element.closest('script, style, noscript')) continue;
    const hasText = [...element.childNodes].some(
      (node) => node.nodeType === Node.TEXT_NODE && node.nodeValue?.trim(),
    );
    const names = ['aria-label', 'aria-description', 'title', 'placeholder', 'alt'];
    const texts = names.map((name) => element.getAttribute(name) ?? '');
    for (const text of [...texts, hasText ? element.textContent : '']) {
      if (/[a-z]/i.test(outside(text))) found.add(outside(text));
    }
  }
  return [...found];
}
