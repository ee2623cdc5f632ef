/** Texts grouped by section; some belong to none. */
type Sections = Readonly<Record<string, string | Readonly<Record<string, string>>>>;

/** The flat keys: `section.name`. */
type KeyOf<S> = {
  [K in keyof S & string]: S[K] extends string ? K : `${K}.${keyof S[K] & string}`;
}[keyof S & string];

/** Returns the texts by flat key. Sections keep the source, and so the download, small. */
export function flat<S extends Sections>(sections: S): Record<KeyOf<S>, string> {
  const texts: Record<string, string> = {};
  for (const [section, content] of Object.entries(sections)) {
    if (typeof content === 'string') texts[section] = content;
    else for (const [name, text] of Object.entries(content)) texts[`${section}.${name}`] = text;
  }
  return texts;
}
