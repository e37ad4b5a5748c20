/**
 * Reads bodies that a program passes.
 *
 * Typed arrays are read with the getters of %TypedArray%.prototype, never through properties that the program may have
 * replaced, in a subclass or a Proxy. So no code of the program runs between the check of a body and its copy.
 */
import { badArgument } from "../arguments/argument-checks.js";
import type { Body } from "../arguments/options.js";
import { localError, type RingmqError } from "../base/error.js";

const EMPTY = new Uint8Array(0);

/** A getter of %TypedArray%.prototype. It works for typed arrays of every realm. */
const slotGetter = (name: PropertyKey): ((this: unknown) => unknown) => {
  const getter = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), name)?.get;
  if (getter === undefined) throw new Error(`typed arrays have no ${String(name)}`);
  return getter;
};

const kind = slotGetter(Symbol.toStringTag);
const buffer = slotGetter("buffer") as (this: unknown) => ArrayBufferLike;
const byteOffset = slotGetter("byteOffset") as (this: unknown) => number;
const length = slotGetter("length") as (this: unknown) => number;

const detached = (what: string): RingmqError =>
  localError("BAD_ARGUMENT", `${what} must be bytes that are there: its buffer was transferred or has shrunk`);

/** Throws BAD_ARGUMENT when an empty view is empty because its buffer was transferred or has shrunk. */
const checkEmpty = (what: () => string, view: Uint8Array): void => {
  try {
    EMPTY.set(view);
  } catch {
    throw detached(what());
  }
};

/** Throws BAD_ARGUMENT when the buffer of a view from `readBody` was transferred or has shrunk since. */
export const checkAttached = (what: () => string, view: Uint8Array): void => {
  if (view.length === 0) checkEmpty(what, view);
};

export const isBody = (value: unknown): boolean => typeof value === "string" || kind.call(value) === "Uint8Array";

/** The text, or a view of the bytes with a fixed length. Throws BAD_ARGUMENT, which calls the body `what`. */
export const readBody = (what: () => string, body: unknown): Body => {
  if (typeof body === "string") return body;
  if (!isBody(body)) throw badArgument(what(), body, "text or a Uint8Array (JSON.stringify makes text of a value)");
  const size = length.call(body);
  // An empty view may have been longer before its buffer was transferred.
  if (size === 0) {
    checkEmpty(what, body as Uint8Array);
    return EMPTY;
  }
  return new Uint8Array(buffer.call(body), byteOffset.call(body), size);
};
