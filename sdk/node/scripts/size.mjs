// Measures what an import of each entry loads, compressed. Fails above a limit.
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

import { report } from '../../../scripts/sizes.mjs';

const dist = new URL('../dist/', import.meta.url);
const files = readdirSync(dist);

report(
  ['index.js', 'index.cjs', 'next.js', 'next.cjs'].map((entry) => {
    const [, extension] = entry.split('.');
    const isShared = (file) => file.startsWith('client-') && file.endsWith(`.${extension}`);
    const loaded = [entry, ...files.filter(isShared)];
    const bytes = loaded.map((file) => gzipSync(readFileSync(new URL(file, dist)), { level: 9 }));
    return [entry, bytes.reduce((sum, { length }) => sum + length, 0), 12];
  }),
);
