/** The reason that a nack gives, as text. */
import { MAX_REASON_BYTES } from "../../protocol/failure.js";
import { readTextUpTo } from "../../protocol/text.js";
import { badArgument, readFrom } from "./argument-checks.js";
import type { FailureReason } from "./options.js";

const encoder = new TextEncoder();

/** Undefined: there is none. An error is its name and message, and then its stack. Throws BAD_ARGUMENT. */
export const readReason = (reason: FailureReason | undefined): string | undefined => {
  if (reason === undefined) return undefined;
  if (typeof reason === "string") return cut(reason);
  const isObject = typeof reason === "object" && reason !== null;
  const told = isObject ? readFrom("reason", () => [reason.name, reason.message, reason.stack]) : [];
  if (!isObject || told.some((text) => text !== undefined && typeof text !== "string")) {
    throw badArgument("reason", reason, "a text, or an error with a name, a message and a stack");
  }
  const [name, message, stack] = told;
  const title = name && message ? `${name}: ${message}` : message || name || "";
  if (stack === undefined || stack === "") return cut(title);
  return cut(stack.startsWith(title) ? stack : `${title}\n${stack}`);
};

/** As much as a broker takes, whole characters. */
const cut = (text: string): string => {
  // A character takes at least a byte.
  const bytes = encoder.encode(text.slice(0, MAX_REASON_BYTES));
  return bytes.length <= MAX_REASON_BYTES && text.length <= MAX_REASON_BYTES
    ? text
    : readTextUpTo(bytes, 0, bytes.length, MAX_REASON_BYTES);
};
