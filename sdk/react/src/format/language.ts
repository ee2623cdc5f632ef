/**
 * Returns language and script of a BCP 47 tag. Texts serve all tags that have both in common: `pt-BR` serves
 * `pt-PT`, and `zh-Hans` serves `zh-CN`, but not `zh-TW`, which is written in the traditional script.
 */
export function languageOf(tag: string): string {
  try {
    const { language, script } = new Intl.Locale(tag).maximize();
    return [language, script].join();
  } catch {
    return tag;
  }
}
