/**
 * Messages as the page shows them: what is told of one is read once, and hostile bytes and headers do no harm.
 */
import type { MessageState, StoredMessage } from "ringmq/client";
import { visible } from "../../parts/name.js";

/** A message, and where it is. */
export interface ListedMessage {
  readonly message: StoredMessage;
  readonly queue: string;
  readonly state: MessageState;
}

/** Bytes of a body that a row shows. */
const PREVIEW = 160;

/** The beginning of a body, in one line. */
export const previewOf = (body: Uint8Array): string => {
  const start = body.subarray(0, PREVIEW);
  const told = new TextDecoder().decode(start, { stream: start.length < body.length });
  return visible(told.replaceAll(/\s+/g, " "));
};

const asText = (_: string, value: unknown): unknown => {
  if (typeof value === "bigint") return String(value);
  if (value instanceof Uint8Array) return [...value.subarray(0, PREVIEW)].map((byte) => byte.toString(16)).join(" ");
  return value;
};

/** Names and values, as text; undefined: they cannot be read. */
export const headersOf = (message: StoredMessage): readonly (readonly [string, string])[] | undefined => {
  try {
    return Object.entries(message.headers).map(([name, value]) => [
      visible(name),
      visible(typeof value === "string" ? value : JSON.stringify(value, asText)),
    ]);
  } catch {
    return undefined;
  }
};
