/** The texts of all languages, held against each other and against the server's codes. */
import { readdir, readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';

import type { ErrorCode } from '../../src/api-types.js';
import { en, type Messages } from '../../src/locales/en.js';
import { errorText } from '../../src/react/i18n.js';

type Texts = Messages & Record<string, string>;

/** Every file of the folder, English first. */
const files = (await readdir(new URL('../../src/locales', import.meta.url)))
  .map((file) => file.replace('.ts', ''))
  .sort((one) => (one === 'en' ? -1 : 1));
const languages = await Promise.all(
  files.map(async (name): Promise<[string, Texts]> => {
    const module = (await import(`../../src/locales/${name}.ts`)) as Record<string, Texts>;
    // `ptBR` of `pt-BR`.
    return [name, module[name.replace('-', '')] ?? en];
  }),
);

const placeholders = (text = '') => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

test.for(languages)('%s has a text for every code of an error', async ([, texts]) => {
  const openapi = await readFile(new URL('../../../../openapi.json', import.meta.url), 'utf8');
  const { components } = JSON.parse(openapi) as {
    components: { schemas: { Problem: { properties: { code: { enum: string[] } } } } };
  };
  const codes = components.schemas.Problem.properties.code.enum;
  expect(codes.length).toBeGreaterThan(30);
  const textOf = (code: string) =>
    errorText(texts, { code: code as ErrorCode, declineReason: undefined });
  const unknown = texts['error.unknown'];
  const without = [...codes, 'network_error', 'timeout'].filter((one) => textOf(one) === unknown);
  // Of these the customer learns no more than that something went wrong. Only a backend meets the first.
  expect(without.sort()).toEqual(['customer_erased', 'internal', 'invalid_tiers']);
  expect(textOf('no_such_code')).toBe(unknown);
});

test.for(languages)('%s has a text for every reason of a decline', async ([, texts]) => {
  const source = '../../../../crates/server/src/payments/processor.rs';
  const code = await readFile(new URL(source, import.meta.url), 'utf8');
  const [, names = ''] = /enum DeclineReason \{(.*?)\n\}/s.exec(code) ?? [];
  const reasons = [...names.matchAll(/^ {4}(\w+),$/gm)].map(([, name = '']) =>
    name.replace(/(?<=.)[A-Z]/g, '_$&').toLowerCase(),
  );
  expect(reasons).toContain('insufficient_funds');
  const declines = Object.keys(texts).filter((key) => key.startsWith('decline.'));
  // That it was declined is all that the first one says.
  expect(declines.sort()).toEqual(
    reasons
      .filter((one) => one !== 'card_declined')
      .map((one) => `decline.${one}`)
      .sort(),
  );
  const said = declines.map((key) => texts[key]);
  expect(new Set([...said, texts['error.payment_declined']]).size).toBe(reasons.length);
});

test.for(languages.slice(1))(
  '%s has every text, with the same places to fill',
  ([language, texts]) => {
    expect(texts.language).toBe(language);
    for (const [key, text] of Object.entries(en)) {
      const wanted = /_(one|two)$/.test(key) ? [] : placeholders(text);
      expect([key, placeholders(texts[key])]).toEqual([key, expect.arrayContaining(wanted)]);
      expect(placeholders(text)).toEqual(expect.arrayContaining(placeholders(texts[key])));
    }
  },
);

test('no French text has an ordinary space where a narrow one belongs', () => {
  const [, texts] = languages.find(([name]) => name === 'fr') ?? ['', en];
  const wrong = Object.values(texts).filter((text) =>
    /[^\u202f][:;?!»](?!\S)|«(?!\u202f)/.test(text),
  );
  expect(wrong).toEqual([]);
  expect(texts['cancel.title']).toBe('Résilier {plan}\u202f?');
});

test.for(languages)('%s has every plural form of its language', ([language, texts]) => {
  const stems = Object.keys(en).filter((key) => key.endsWith('_other'));
  const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
  for (const stem of stems) {
    for (const form of forms) expect(texts).toHaveProperty([stem.replace(/other$/, form)]);
  }
});
