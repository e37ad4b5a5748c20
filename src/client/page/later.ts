/**
 * Stands for a part of the client that is loaded when it is first used.
 */
import { localError, RingmqError } from "../base/error.js";

type Part = Readonly<Record<PropertyKey, unknown>>;
type Method = (...args: unknown[]) => unknown;

/** Rejects with CONNECT_FAILED, or with the error of the client's that making the part has failed with. */
export const cannotLoad = (error: unknown): never => {
  if (error instanceof RingmqError) throw error;
  const text = "a part of the client is missing: try again or reload the page";
  throw localError("CONNECT_FAILED", text, error);
};

/**
 * An object that is what `load` gives as soon as it is there. Until then it has what is in `before`, and its other methods load it and
 * return promises; those named in `iterators` return iterators. A call that cannot load it rejects with CONNECT_FAILED, and the next one
 * tries again.
 */
export const later = (load: () => Promise<Part>, before: Part = {}, iterators: readonly PropertyKey[] = []): object => {
  let part: Part | undefined;
  let loading: Promise<Part> | undefined;
  const call = async (name: PropertyKey, args: unknown[]): Promise<unknown> => {
    loading ??= load().catch((error) => {
      loading = undefined;
      return cannotLoad(error);
    });
    part = await loading;
    return (part[name] as Method).apply(part, args);
  };
  const get = (_: object, name: PropertyKey): unknown => {
    // It is no promise: who awaits it gets it.
    if (name === "then") return undefined;
    const now = part ?? before;
    const value = now[name];
    if (typeof value === "function") return value.bind(now);
    if (part !== undefined || value !== undefined) return value;
    if (!iterators.includes(name)) return (...args: unknown[]) => call(name, args);
    return async function* (...args: unknown[]) {
      yield* (await call(name, args)) as AsyncIterable<unknown>;
    };
  };
  return new Proxy({}, { get });
};
