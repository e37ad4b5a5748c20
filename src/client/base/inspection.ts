/**
 * What people see of the client's objects: in `console.log`, which asks for it by a symbol that every platform can
 * name, and in JSON.
 */
import type { Headers } from "../../protocol/headers.js";

/** Node's `util.inspect.custom`, without Node. */
export const INSPECT: unique symbol = Symbol.for("nodejs.util.inspect.custom");

/** `util.inspect`, as it is handed to who is inspected. */
export type Inspect = (value: unknown, options?: unknown) => string;

/** `Name { … }` with the properties of `shown`. */
export const inspected = (name: string, shown: object, options: unknown, inspect: Inspect): string =>
  `${name} ${inspect(shown, options)}`;

/** Characters of a body that are shown. */
const SHOWN = 100;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The beginning of a body: as text where it is text, else as bytes. */
export const shownBody = (body: Uint8Array): unknown => {
  // A character takes at most four bytes; one that is cut in two would make text look as if it were none.
  const start = body.subarray(0, SHOWN * 4);
  let text: string | undefined;
  for (let cut = 0; cut < 4 && text === undefined && cut <= start.length; cut++) {
    try {
      text = decoder.decode(start.subarray(0, start.length - cut));
    } catch {
      if (start.length === body.length) break;
    }
  }
  if (text === undefined) return body;
  return text.length <= SHOWN && start.length === body.length
    ? text
    : `${text.slice(0, SHOWN)}… (${body.length} bytes)`;
};

/** A value as JSON has it: numbers that it does not hold as text, bytes as a list. */
const plain = (value: unknown): unknown => {
  if (typeof value === "bigint") return String(value);
  if (value instanceof Uint8Array) return Array.from(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
};

/** Headers as JSON has them; undefined: a publisher wrote something else there. */
export const plainHeaders = (read: () => Headers): unknown => {
  try {
    return plain(read());
  } catch {
    return undefined;
  }
};
