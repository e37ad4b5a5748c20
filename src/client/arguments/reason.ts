/** The reason that a nack gives, as text. */
import { MAX_REASON_BYTES } from "../../protocol/failure.js";
import { readTextUpTo } from "../../protocol/text.js";
import { reasonOf } from "./argument-checks.js";

const encoder = new TextEncoder();

/**
 * Undefined: there is none. An error is its name and message, and then its stack. It may be whatever a program throws, and
 * of what has no such texts it is what can be told. Never throws.
 */
export const readReason = (reason: unknown): string | undefined => {
  if (reason === undefined) return undefined;
  if (typeof reason === "string") return cut(reason);
  return cut(textOfError(reason) ?? reasonOf(reason));
};

const isTextOrNone = (value: unknown): value is string | undefined => value === undefined || typeof value === "string";

/** Undefined: it is none. */
const textOfError = (thrown: unknown): string | undefined => {
  try {
    const { name, message, stack } = Object(thrown) as { readonly [K in "name" | "message" | "stack"]?: unknown };
    if (!isTextOrNone(name) || !isTextOrNone(message) || !isTextOrNone(stack)) return undefined;
    const title = name && message ? `${name}: ${message}` : message || name || "";
    if (stack === undefined || stack === "") return title === "" ? undefined : title;
    return stack.startsWith(title) ? stack : `${title}\n${stack}`;
  } catch {
    // A Proxy or a getter of the program's own has thrown.
    return undefined;
  }
};

/** As much as a broker takes, whole characters. */
const cut = (text: string): string => {
  // A character takes at least a byte.
  const bytes = encoder.encode(text.slice(0, MAX_REASON_BYTES));
  return bytes.length <= MAX_REASON_BYTES && text.length <= MAX_REASON_BYTES
    ? text
    : readTextUpTo(bytes, 0, bytes.length, MAX_REASON_BYTES);
};
