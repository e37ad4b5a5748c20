/** The keys that a program gives its messages. */
import { MAX_KEY_BYTES } from "../../protocol/keys.js";
import { localError } from "../base/error.js";
import { badArgument } from "./argument-checks.js";

const encoder = new TextEncoder();

/** Half of a character. */
const HALF = /\p{Surrogate}/u;

/** A key as bytes. Throws BAD_ARGUMENT, which calls it `what`. */
export const encodeKey = (what: string, key: unknown): Uint8Array => {
  const bytes = typeof key === "string" && !HALF.test(key) ? encoder.encode(key) : undefined;
  if (bytes === undefined || bytes.length === 0 || bytes.length > MAX_KEY_BYTES) {
    throw badArgument(what, key, `text of 1 to ${MAX_KEY_BYTES} bytes`);
  }
  return bytes;
};

/** What the head of a publish says of its keys; undefined: it has none. Throws BAD_ARGUMENT for a window of none. */
export const keyWindowOf = (
  { keyWindow }: { readonly keyWindow?: number | undefined },
  keys: object | undefined,
): number | undefined => {
  if (keys !== undefined) return keyWindow ?? 0;
  if (keyWindow === undefined) return undefined;
  throw localError("BAD_ARGUMENT", "a keyWindow is that of a key: there is none");
};
