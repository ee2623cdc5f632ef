const RTL = /^(ar|dv|fa|he|ks|ps|sd|ug|ur|yi)\b/;

/** Returns whether a language is written from right to left. */
export function isRightToLeft(language: string): boolean {
  return RTL.test(language);
}
