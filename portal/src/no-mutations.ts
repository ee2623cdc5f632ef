/** In place of TanStack's: the package writes by itself, so that the page needs none of it. */
export class MutationCache {
  resumePausedMutations(): Promise<void> {
    return Promise.resolve();
  }

  findAll(): [] {
    return [];
  }

  clear(): void {
    // There is nothing.
  }
}
