/** A promise with its `resolve` and `reject` functions. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T | PromiseLike<T>) => void;
  readonly reject: (error: Error) => void;
}

const unset = (): never => {
  throw new Error("a promise that does not exist yet was settled");
};

export const deferred = <T>(): Deferred<T> => {
  let resolve: Deferred<T>["resolve"] = unset;
  let reject: Deferred<T>["reject"] = unset;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
};

const ignore = (): void => {};

/** Marks the rejection of a promise as handled, so that it is no unhandled rejection if nobody awaits it. */
export const unobserved = (promise: Promise<unknown>): void => {
  promise.catch(ignore);
};
