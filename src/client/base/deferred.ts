/** A promise with its two ends outside. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T | PromiseLike<T>) => void;
  readonly reject: (error: Error) => void;
}

const early = (): never => {
  throw new Error("settled before it was made");
};

export const deferred = <T>(): Deferred<T> => {
  let resolve: Deferred<T>["resolve"] = early;
  let reject: Deferred<T>["reject"] = early;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
};

const ignore = (): void => {};

/** Says that nobody need look at a promise: its rejection is not an unhandled one. */
export const unobserved = (promise: Promise<unknown>): void => {
  promise.catch(ignore);
};
