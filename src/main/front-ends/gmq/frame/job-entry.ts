/**
 * A job as a message: the body as it is, and what else the job has in the message's headers, so that it survives a restart
 * and other protocols see the body alone.
 */
import { HAS_HEADERS, HEADERS_LENGTH_BYTES, SIZE_MASK, WORD_BYTES } from "../../../../protocol/entry.js";
import { packHeaders, unpackHeaders } from "../../../../protocol/headers.js";
import { isInteger, type Job, type JobId } from "./job.js";

/** The names of the headers. */
const ID = "gmq.id";
const IS_NUMBER = "gmq.idIsNumber";
const TTR = "gmq.ttr";
const DELAY = "gmq.delay";

/** What the headers of a message say. */
export interface JobHeaders {
  readonly id: JobId;
  /** Seconds. */
  readonly ttr: number;
  readonly delay: number;
}

/** The bytes of an entry of PUBLISH, of the layout in src/protocol/entry.ts. */
export const entryOfJob = ({ id, ttr, delay, body }: Job): Buffer => {
  const number = id.isNumber ? true : undefined;
  const headers = packHeaders({ [ID]: id.text, [IS_NUMBER]: number, [TTR]: ttr, [DELAY]: delay });
  const bodyBytes = Buffer.byteLength(body);
  const size = HEADERS_LENGTH_BYTES + headers.length + bodyBytes;
  const entry = Buffer.allocUnsafe(WORD_BYTES + size);
  entry.writeUInt32BE(HAS_HEADERS + size, 0);
  entry.writeUInt16BE(headers.length, WORD_BYTES);
  entry.set(headers, WORD_BYTES + HEADERS_LENGTH_BYTES);
  entry.write(body, WORD_BYTES + HEADERS_LENGTH_BYTES + headers.length);
  return entry;
};

/** Where the parts of the entry at `at` are. */
export const partsOf = (view: DataView, at: number): { headers: number; body: number; end: number } => {
  const word = view.getUint32(at);
  const end = at + WORD_BYTES + (word & SIZE_MASK);
  const first = at + WORD_BYTES;
  if (word < HAS_HEADERS) return { headers: first, body: first, end };
  const headers = first + HEADERS_LENGTH_BYTES;
  return { headers, body: headers + view.getUint16(first), end };
};

/** The job that a message is. Undefined: another protocol has published it. */
export const readHeaders = (bytes: Uint8Array, start: number, end: number): JobHeaders | undefined => {
  if (start === end) return undefined;
  let headers: Readonly<Record<string, unknown>>;
  try {
    headers = unpackHeaders(bytes, start, end);
  } catch {
    // The broker does not look into headers: a publisher may have sent anything.
    return undefined;
  }
  const { [ID]: text, [IS_NUMBER]: isNumber = false, [TTR]: ttr, [DELAY]: delay } = headers;
  if (typeof text !== "string" || typeof isNumber !== "boolean" || !isSeconds(ttr) || !isSeconds(delay))
    return undefined;
  if (isNumber && !isInteger(text)) return undefined;
  return { id: { text, isNumber }, ttr, delay };
};

const isSeconds = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
