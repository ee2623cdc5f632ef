/** Lists: one page by `await`, all rows by `for await`. */

/** One page of a list, newest row first. */
export interface Page<T> {
  data: T[];
  /** Whether there are older rows than these. */
  hasMore: boolean;
  /** The `cursor` of the page of older rows. */
  nextCursor: string | null;
  /** The `cursor` of the page of newer rows. */
  prevCursor: string | null;
}

/**
 * A list that was asked for.
 *
 * `await` gives its first page. `for await` gives every row of it and of all older pages, each page
 * loaded when it is reached. No request is made before either.
 */
export class PagePromise<T> implements Promise<Page<T>>, AsyncIterable<T> {
  readonly [Symbol.toStringTag] = 'PagePromise';
  readonly #load: (cursor?: string) => Promise<Page<T>>;
  #first: Promise<Page<T>> | undefined;

  /** `load` gives the page of a cursor, or the first one. */
  constructor(load: (cursor?: string) => Promise<Page<T>>) {
    this.#load = load;
  }

  then<A = Page<T>, B = never>(
    onFulfilled?: ((page: Page<T>) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#page().then(onFulfilled, onRejected);
  }

  catch<B = never>(
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<Page<T> | B> {
    return this.#page().catch(onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<Page<T>> {
    return this.#page().finally(onFinally);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    let page = await this.#page();
    yield* page.data;
    while (page.hasMore && page.nextCursor !== null) {
      page = await this.#load(page.nextCursor);
      yield* page.data;
    }
  }

  /** All rows, or the first `max` of them. */
  async toArray({ max = Infinity }: { max?: number | undefined } = {}): Promise<T[]> {
    const rows: T[] = [];
    if (!(max > 0)) return rows;
    for await (const row of this) {
      if (rows.push(row) >= max) break;
    }
    return rows;
  }

  #page(): Promise<Page<T>> {
    return (this.#first ??= this.#load());
  }
}
