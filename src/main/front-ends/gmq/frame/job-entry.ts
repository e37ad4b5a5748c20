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

/** Of a msgpack string: its first byte with up to 31 bytes, and the one in front of a length of one byte. */
const FIXSTR = 0xa0;
const MAX_FIXSTR = 31;
const STR8 = 0xd9;

/**
 * The headers of a job but for the text of its id, which comes last: jobs differ in it, and are alike in the rest, so that
 * it is neither encoded nor decoded again for each.
 */
class Prefix {
  bytes: Uint8Array = new Uint8Array(0);
  ttr = -1;
  delay = -1;
  isNumber = false;

  set(ttr: number, delay: number, isNumber: boolean): void {
    if (ttr === this.ttr && delay === this.delay && isNumber === this.isNumber) return;
    const packed = packHeaders({ [TTR]: ttr, [DELAY]: delay, [IS_NUMBER]: isNumber ? true : undefined, [ID]: "" });
    this.bytes = packed.subarray(0, -1);
    this.ttr = ttr;
    this.delay = delay;
    this.isNumber = isNumber;
  }

  /** Whether headers in [start, end) begin with it. */
  matches(headers: Uint8Array, start: number, end: number): boolean {
    const { bytes } = this;
    const { length } = bytes;
    if (length === 0 || end - start <= length) return false;
    for (let i = 0; i < length; i++) if (headers[start + i] !== bytes[i]) return false;
    return true;
  }
}

const written = new Prefix();
const read = new Prefix();

/** The bytes of an entry of PUBLISH, of the layout in src/protocol/entry.ts. */
export const entryOfJob = ({ id, ttr, delay, body }: Job): Buffer => {
  written.set(ttr, delay, id.isNumber);
  const { bytes: prefix } = written;
  const idBytes = Buffer.byteLength(id.text);
  const headersBytes = prefix.length + (idBytes > MAX_FIXSTR ? 2 : 1) + idBytes;
  const size = HEADERS_LENGTH_BYTES + headersBytes + Buffer.byteLength(body);
  const entry = Buffer.allocUnsafe(WORD_BYTES + size);
  let at = entry.writeUInt32BE(HAS_HEADERS + size, 0);
  at = entry.writeUInt16BE(headersBytes, at);
  entry.set(prefix, at);
  at += prefix.length;
  if (idBytes > MAX_FIXSTR) at = entry.writeUInt8(STR8, at);
  at = entry.writeUInt8(idBytes > MAX_FIXSTR ? idBytes : FIXSTR + idBytes, at);
  at += entry.write(id.text, at);
  entry.write(body, at);
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
  const text = read.matches(bytes, start, end) ? textAt(bytes, start + read.bytes.length, end) : undefined;
  if (text === undefined || (read.isNumber && !isInteger(text))) return unpackJob(bytes, start, end);
  return { id: { text, isNumber: read.isNumber }, ttr: read.ttr, delay: read.delay };
};

/** The string of up to 255 bytes that takes all of [start, end); undefined: it is something else. */
const textAt = (bytes: Uint8Array, start: number, end: number): string | undefined => {
  const first = bytes[start] ?? 0;
  const from = start + (first === STR8 ? 2 : 1);
  const length = first === STR8 ? bytes[start + 1] : first - FIXSTR;
  if (length !== end - from || (first !== STR8 && length > MAX_FIXSTR)) return undefined;
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, length).toString();
};

const unpackJob = (bytes: Uint8Array, start: number, end: number): JobHeaders | undefined => {
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
  read.set(ttr, delay, isNumber);
  return { id: { text, isNumber }, ttr, delay };
};

const isSeconds = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
