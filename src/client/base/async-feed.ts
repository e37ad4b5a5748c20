/**
 * An iterator for `for await` whose end has no value. It is `AsyncIterableIterator<T, undefined>`, which TypeScript knows since 5.6 only.
 */
export interface AsyncFeed<T> extends AsyncIterator<T, undefined> {
  [Symbol.asyncIterator](): this;
}
