/** Packs both packages as they are built, into a folder where the tests make their apps. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

import { npm, repository } from './app.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Stands for the root of the repository: the tarballs are in it. */
    root: string;
  }
}

const PACKED = ['-w', 'sdk/node', '-w', 'sdk/react'];

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const root = await mkdtemp(join(tmpdir(), 'unitpay-examples-'));
  await npm(repository, 'pack', ...PACKED, '--pack-destination', root);
  project.provide('root', root);
  return () => rm(root, { recursive: true });
}
