/**
 * Stands for a part of the client that is loaded when it is first used.
 */

type Part = Readonly<Record<string, unknown>>;
type Method = (...args: unknown[]) => unknown;

/**
 * An object that is what `load` gives as soon as it is there. Until then it has what is in `before`, and its other methods load it and
 * return promises; those named in `iterators` return iterators.
 */
export const later = (load: () => Promise<Part>, before: Part, iterators: readonly string[]): object => {
  let part: Part | undefined;
  let loading: Promise<Part> | undefined;
  const call = async (name: string, args: unknown[]): Promise<unknown> => {
    loading ??= load();
    part = await loading;
    return (part[name] as Method).apply(part, args);
  };
  const get = (_: object, name: string): unknown => {
    const { [name]: value } = part ?? before;
    if (typeof value === "function") return value.bind(part ?? before);
    if (part !== undefined || value !== undefined) return value;
    if (!iterators.includes(name)) return (...args: unknown[]) => call(name, args);
    return async function* (...args: unknown[]) {
      yield* (await call(name, args)) as AsyncIterable<unknown>;
    };
  };
  return new Proxy({}, { get: get as ProxyHandler<object>["get"] & {} });
};
