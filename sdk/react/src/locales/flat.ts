/** Texts by section and name; what is of no section stands alone. */
type Sections = Readonly<Record<string, string | Readonly<Record<string, string>>>>;

/** `section.name` of each. */
type KeyOf<S> = {
  [K in keyof S & string]: S[K] extends string ? K : `${K}.${keyof S[K] & string}`;
}[keyof S & string];

/** The texts by their keys. In sections they take less of a page's load. */
export function flat<S extends Sections>(sections: S): Record<KeyOf<S>, string> {
  const texts: Record<string, string> = {};
  for (const [section, own] of Object.entries(sections)) {
    if (typeof own === 'string') texts[section] = own;
    else for (const [name, text] of Object.entries(own)) texts[`${section}.${name}`] = text;
  }
  return texts;
}
