/** The page's own texts of all languages, held against each other. */
import { readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';

import { en, type Language } from '../src/texts.js';

const files = await readdir(new URL('../src/languages', import.meta.url));
const locales = await readdir(new URL('../../sdk/react/src/locales', import.meta.url));
const languages = await Promise.all(
  files.map(async (file): Promise<[string, Language]> => {
    const name = file.replace('.ts', '');
    return [name, (await import(`../src/languages/${name}.ts`)) as Language];
  }),
);
const [, german] = languages.find(([name]) => name === 'de') ?? [];

/** Returns each text by its path, with the names of its places to fill. */
function places(texts: object, path = ''): [string, string[]][] {
  return Object.entries(texts).flatMap(([key, value]: [string, object | string]) =>
    typeof value === 'string'
      ? [[`${path}${key}`, [...value.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name).sort()]]
      : places(value, `${path}${key}.`),
  );
}

test('page has every language of the components', () => {
  expect([...files, 'en.ts'].sort()).toEqual(locales.sort());
});

test.for(languages)('%s has every text, with the same places to fill', ([name, language]) => {
  expect(places(language.texts).sort()).toEqual(places(en).sort());
  for (const part of ['login', 'invoice'] as const) {
    expect(places(language[part] ?? {}).sort()).toEqual(places(german?.[part] ?? {}).sort());
  }
  expect(language.messages?.language).toBe(name);
});
