/** Formats a record as a line for people or an object for programs. Bodies are shortened. */
import { HAS_HEADERS, HEADERS_LENGTH_BYTES, SIZE_MASK, WORD_BYTES } from "../protocol/entry.js";
import { Failed, readFailures } from "../protocol/failure.js";
import { unpackHead } from "../protocol/head.js";
import { EPOCH, formatId } from "../protocol/id.js";
import { readText } from "../protocol/text.js";
import * as record from "../shard/log/record.js";
import { State } from "../shard/messages/extent.js";

/** A record with names for its fields; ids are decimal strings, times milliseconds since 1970. */
export interface DescribedRecord {
  readonly type: string;
  readonly [field: string]: unknown;
}

const { RecordType } = record;

const nameOf = (table: Readonly<Record<string, number>>, value: number): string =>
  Object.entries(table)
    .find(([, number]) => number === value)?.[0]
    .toLowerCase()
    .replaceAll("_", "-") ?? String(value);

const REASONS = ["alive", "retries", "expired", "rejected", "too-old"];

/** Bytes shown of a body: enough to recognise it. */
const BODY_BYTES = 40;
/** Bodies shown of a batch. */
const BODIES = 3;
const RANGES = 8;

/** The record at `at`, which is whole. */
export const describeRecord = (bytes: Uint8Array, view: DataView, at: number): DescribedRecord => {
  const number = view.getUint8(at + record.TYPE);
  const end = at + view.getUint32(at + record.LENGTH);
  const type = nameOf(RecordType, number);
  switch (number) {
    case RecordType.SEGMENT:
      return {
        type,
        version: view.getUint8(at + record.VERSION),
        sequence: view.getUint32(at + record.SEQUENCE),
        replaces: view.getUint32(at + record.REPLACES),
        created: view.getFloat64(at + record.CREATED),
        shard: view.getUint16(at + record.SHARD),
        shards: view.getUint16(at + record.SHARDS),
      };
    case RecordType.PUBLISH:
    case RecordType.KEEP:
      return { type, ...describeBatch(bytes, view, at, end) };
    case RecordType.STATE:
      return { type, ...describeState(bytes, view, at, end) };
    case RecordType.DIRECTORY:
      return { type, entry: unpackHead(bytes, at + record.DIRECTORY_BODY, end).map(describeElement) };
    case RecordType.IDS:
      return { type, until: EPOCH + view.getFloat64(at + record.CEILING) };
    case RecordType.COMMIT:
      return { type, durable: view.getFloat64(at + record.DURABLE) };
    default:
      return { type };
  }
};

/** What is remembered of a producer, and of keys, is bytes, and as many as nobody reads. */
const describeElement = (element: unknown): unknown =>
  element instanceof Uint8Array ? `${element.length} bytes` : element;

const idAt = (view: DataView, at: number): string => formatId(view.getUint32(at), view.getUint32(at + 4));

const describeBatch = (bytes: Uint8Array, view: DataView, at: number, end: number) => {
  const topicEnd = at + record.NAMES + view.getUint8(at + record.TOPIC_LENGTH);
  const names = topicEnd + view.getUint8(at + record.KEY_LENGTH);
  const queues = view.getUint16(at + record.QUEUES);
  const isKept = view.getUint8(at + record.TYPE) === RecordType.KEEP;
  const size = isKept ? record.CLAIM_BYTES : record.QUEUE_BYTES;
  const entries = isKept ? record.keptEntries(view, at) : record.publishedEntries(view, at);
  const numbers = Array.from({ length: queues }, (_, i) =>
    isKept ? describeClaim(view, names + i * size) : view.getUint32(names + i * size),
  );
  const name = readText(bytes, at + record.NAMES, topicEnd);
  const key = readText(bytes, topicEnd, names);
  const isChannel = view.getUint8(at + record.KIND) === record.BatchKind.CHANNEL;
  const isNumbered = record.isKind(view, at, record.BatchKind.NUMBERED);
  const isKeyed = record.isKind(view, at, record.BatchKind.KEYED);
  const ofTopic = () => ({
    topic: name,
    routeKey: key,
    due: view.getFloat64(at + record.DUE),
    expiry: view.getFloat64(at + record.EXPIRY),
  });
  const ofChannel = () => ({
    channel: name,
    key,
    position: String(view.getFloat64(at + record.POSITION_BASE) + view.getUint32(at + record.FIRST_ID_LOW)),
  });
  return {
    first: idAt(view, at + record.FIRST_ID_HIGH),
    count: view.getUint16(at + record.COUNT),
    ...(isChannel ? ofChannel() : ofTopic()),
    [isKept ? "claims" : "queues"]: numbers,
    ...(isNumbered ? describeNumbers(bytes, view, record.queuesEnd(view, at)) : {}),
    ...(isKeyed ? describeKeys(bytes, view, isKept ? record.claimsEnd(view, at) : record.numbersEnd(view, at)) : {}),
    bodies: describeBodies(bytes, view, entries, end),
  };
};

const describeNumbers = (bytes: Uint8Array, view: DataView, at: number) => {
  const name = at + record.NUMBERED_PRODUCER;
  return {
    producer: readText(bytes, name, name + view.getUint8(at + record.NUMBERED_LENGTH)),
    sequence: view.getFloat64(at + record.NUMBERED_SEQUENCE),
  };
};

/** The first keys of a batch; an empty one: that message has none. */
const describeKeys = (bytes: Uint8Array, view: DataView, at: number) => {
  const keys: string[] = [];
  const end = at + record.KEYED_KEYS + view.getUint32(at + record.KEYED_BYTES);
  for (let key = at + record.KEYED_KEYS; key < end && keys.length < BODIES; ) {
    const next = key + 1 + view.getUint8(key);
    keys.push(shorten(bytes.subarray(key + 1, next)));
    key = next;
  }
  return { keys, keysUntil: view.getFloat64(at + record.KEYED_UNTIL) };
};

const describeClaim = (view: DataView, at: number) => ({
  queue: view.getUint32(at + record.CLAIM_QUEUE),
  first: view.getUint16(at + record.CLAIM_FIRST),
  span: view.getUint16(at + record.CLAIM_SPAN),
  mask: view.getUint32(at + record.CLAIM_MASK),
  state: nameOf(State, view.getUint8(at + record.CLAIM_STATE)),
  reason: REASONS[view.getUint8(at + record.CLAIM_REASON)],
  retry: view.getUint16(at + record.CLAIM_RETRY),
  time: view.getFloat64(at + record.CLAIM_TIME),
});

const describeFailures = (bytes: Uint8Array, view: DataView, at: number) => {
  const start = at + record.FAILURES;
  const end = start + view.getUint16(at + record.FAILURES_LENGTH);
  return readFailures(view, start, end).map(({ number, time, how, consumerStart, reasonStart, end: next }) => ({
    number,
    time,
    how: nameOf(Failed, how),
    consumer: readText(bytes, consumerStart, reasonStart),
    reason: readText(bytes, reasonStart, next),
  }));
};

const describeState = (bytes: Uint8Array, view: DataView, at: number, end: number) => {
  const begin = record.rangesOf(view, at);
  const count = Math.floor((end - begin) / record.RANGE_BYTES);
  const ranges = Array.from({ length: Math.min(count, RANGES) }, (_, i) => {
    const range = begin + i * record.RANGE_BYTES;
    return { first: idAt(view, range + record.RANGE_ID_HIGH), count: view.getUint32(range + record.RANGE_COUNT) };
  });
  const state = view.getUint8(at + record.STATE);
  return {
    state: state === State.FREE ? "gone" : state === record.UNCHANGED ? "unchanged" : nameOf(State, state),
    reason: REASONS[view.getUint8(at + record.REASON)],
    retry: view.getUint16(at + record.RETRY),
    time: view.getFloat64(at + record.TIME),
    queue: view.getUint32(at + record.QUEUE),
    ranges,
    moreRanges: count - ranges.length,
    failures: describeFailures(bytes, view, at),
  };
};

/** The first bodies of a batch, as text where they are text. */
const describeBodies = (bytes: Uint8Array, view: DataView, start: number, end: number): string[] => {
  const bodies: string[] = [];
  for (let at = start; at + WORD_BYTES <= end && bodies.length < BODIES; ) {
    const word = view.getUint32(at);
    const next = at + WORD_BYTES + (word & SIZE_MASK);
    if (next > end) break;
    const headers = word >= HAS_HEADERS ? HEADERS_LENGTH_BYTES + view.getUint16(at + WORD_BYTES) : 0;
    bodies.push(shorten(bytes.subarray(at + WORD_BYTES + headers, next)));
    at = next;
  }
  return bodies;
};

const shorten = (body: Uint8Array): string => {
  const shown = body.subarray(0, BODY_BYTES);
  const more = body.length > shown.length ? `… (${body.length} bytes)` : "";
  // With control characters, or not UTF-8, it is not text.
  const text = readText(shown);
  return /[\p{Cc}\uFFFD]/u.test(text) ? `0x${Buffer.from(shown).toString("hex")}${more}` : text + more;
};

/** One line: the type, then the fields that are not empty. */
export const recordLine = ({ type, ...fields }: DescribedRecord): string => {
  let line = type.padEnd(9);
  for (const [name, value] of Object.entries(fields)) {
    if (value === 0 || value === "" || (Array.isArray(value) && value.length === 0)) continue;
    if (name === "reason" && value === "alive") continue;
    line += ` ${name}=${isTime(name) && typeof value === "number" ? timeText(value) : JSON.stringify(value)}`;
  }
  return line;
};

const isTime = (name: string): boolean => ["created", "due", "expiry", "keysUntil", "time", "until"].includes(name);

/** The largest time that a Date can hold. */
const LAST_TIME = 8.64e15;

const timeText = (value: number): string =>
  Math.abs(value) <= LAST_TIME ? new Date(value).toISOString() : String(value);
