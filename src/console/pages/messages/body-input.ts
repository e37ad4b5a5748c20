/**
 * Bodies and headers as they are typed.
 */

export type BodyKind = "text" | "json" | "hex" | "file";

/** `00 ff a0`: undefined when it is no such text. */
export const parseHex = (typed: string): Uint8Array | undefined => {
  const digits = typed.replaceAll(/\s+/g, "");
  if (digits.length % 2 !== 0 || !/^[\da-f]*$/i.test(digits)) return undefined;
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16));
};

const isJson = (typed: string): boolean => {
  try {
    JSON.parse(typed);
    return true;
  } catch {
    return false;
  }
};

/** The body that was typed; undefined: it is none of its kind. */
export const typedBody = (kind: Exclude<BodyKind, "file">, typed: string): string | Uint8Array | undefined => {
  if (kind === "hex") return parseHex(typed);
  return kind === "json" && !isJson(typed) ? undefined : typed;
};

/** A JSON object; empty text is one without anything. Undefined: it is none. */
export const parseHeaders = (typed: string): Readonly<Record<string, unknown>> | undefined => {
  if (typed.trim() === "") return {};
  try {
    const value: unknown = JSON.parse(typed);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
};
