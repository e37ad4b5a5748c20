/**
 * The beginning of a body, for a row of a table.
 */
import { visible } from "./name.js";

/** Bytes that are looked at: as many as a wide row shows. */
const MOST = 240;

/** One line of text, or of bytes in hexadecimal where it is none; what hides or turns text is made visible. */
export const bodyPreview = (body: Uint8Array): string => {
  const start = body.subarray(0, MOST);
  try {
    // A character that was cut is left out.
    return visible(new TextDecoder("utf-8", { fatal: true }).decode(start, { stream: start.length < body.length }));
  } catch {
    return Array.from(start.subarray(0, MOST / 3), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  }
};
