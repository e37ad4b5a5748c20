/**
 * Bodies as a program hands them over.
 *
 * Bytes are looked at past all that a program may have put in front of them: a Proxy, a class of its own, a property
 * `length`. Nothing of the program is called, so that nothing can change between the look and the copy.
 */
import { badArgument } from "../arguments/argument-checks.js";
import type { Body } from "../arguments/options.js";
import { localError, type RingmqError } from "../base/error.js";

const NOTHING = new Uint8Array(0);

/** A getter that every typed array has, of whatever realm: it reads the array's own slots. */
const slot = (name: PropertyKey): ((this: unknown) => unknown) => {
  const getter = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), name)?.get;
  if (getter === undefined) throw new Error(`typed arrays have no ${String(name)}`);
  return getter;
};

const kind = slot(Symbol.toStringTag);
const buffer = slot("buffer") as (this: unknown) => ArrayBufferLike;
const byteOffset = slot("byteOffset") as (this: unknown) => number;
const length = slot("length") as (this: unknown) => number;

const gone = (what: string): RingmqError =>
  localError("BAD_ARGUMENT", `${what} must be bytes that are there: its buffer was transferred or has shrunk`);

/** Looks for the buffer of a view without a length: its buffer may be gone, or no longer reach as far as the view. */
const checkEmpty = (what: () => string, view: Uint8Array): void => {
  try {
    NOTHING.set(view);
  } catch {
    throw gone(what());
  }
};

/** Throws BAD_ARGUMENT when the bytes of a view that `readBody` made are no longer there. */
export const checkThere = (what: () => string, view: Uint8Array): void => {
  if (view.length === 0) checkEmpty(what, view);
};

export const isBody = (value: unknown): boolean => typeof value === "string" || kind.call(value) === "Uint8Array";

/** Text, or a view of the bytes whose length stays as it is. Throws BAD_ARGUMENT, which calls the body `what`. */
export const readBody = (what: () => string, body: unknown): Body => {
  if (typeof body === "string") return body;
  if (!isBody(body)) throw badArgument(what(), body, "text or a Uint8Array");
  const size = length.call(body);
  // One that is empty may have been longer.
  if (size === 0) {
    checkEmpty(what, body as Uint8Array);
    return NOTHING;
  }
  return new Uint8Array(buffer.call(body), byteOffset.call(body), size);
};
