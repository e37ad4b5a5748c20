/**
 * What a shard's journal still says of one message: its batch, and the records that are about it. Whatever has been reclaimed is
 * not there any more, and what is not recorded (deliveries, leases) never was.
 */
import { readFailures } from "../../protocol/failure.js";
import { unpackHead } from "../../protocol/head.js";
import { idTime } from "../../protocol/id.js";
import { readText } from "../../protocol/text.js";
import * as record from "../../shard/log/record.js";
import { REDRIVEN, State } from "../../shard/messages/extent.js";

const { RecordType, BatchKind } = record;

/** Events that are told: the first half of them, and the last. */
const MAX_EVENTS = 200;

/** Something that has happened to the message, as a record says. Times are milliseconds since 1970. */
export interface TrailEvent {
  readonly what: "published" | "kept" | "failed" | "ready" | "redriven" | "delayed" | "dead" | "gone";
  /** A bind key; empty: the queue is not known. */
  readonly queue: string;
  /** When; 0: the record does not say. Then it was between the next two, as far as they are known (0: they are not). */
  readonly time: number;
  readonly after: number;
  before: number;
  readonly retry: number;
  /** `Reason` of src/protocol/run.ts: why it is dead; 0: it is not. */
  readonly reason: number;
  /** When a delayed message is due; 0: it is not delayed. */
  readonly due: number;
  /** Of a failure: which of the message it was, a `Failed` of src/protocol/failure.ts, who had the message, what it said. */
  readonly failure: {
    readonly number: number;
    readonly how: number;
    readonly consumer: string;
    readonly text: string;
  } | null;
}

/** Of the batch that brought the message. */
export interface TrailOrigin {
  readonly routeKey: string;
  /** When it was to be due, and to expire; 0: at once, never. */
  readonly due: number;
  readonly expiry: number;
  /** Who has numbered it; empty: nobody. */
  readonly producer: string;
  readonly sequence: number;
  /** Its key; empty: it has none. */
  readonly key: string;
}

export class MessageTrail {
  readonly events: TrailEvent[] = [];
  origin: TrailOrigin | undefined;
  /** Events that are left out. */
  leftOut = 0;
  readonly #topic: string;
  readonly #idHigh: number;
  readonly #idLow: number;
  /** Bind keys of the topic's queues, by number. */
  readonly #queues = new Map<number, string>();
  /** A time that was when the last records were written; 0: not known. */
  #clock = 0;
  /** The first event that waits for a time that it was not after. */
  #open = 0;
  /** The last failure that was told, by queue. */
  readonly #failures = new Map<number, { readonly number: number; readonly time: number }>();

  constructor(topic: string, idHigh: number, idLow: number) {
    this.#topic = topic;
    this.#idHigh = idHigh;
    this.#idLow = idLow;
  }

  /** A segment begins that was made at that time. `isCompacted`: its records are older. */
  begin(created: number, isCompacted: boolean): void {
    if (!isCompacted) this.#tick(created);
  }

  /** Whole records in [0, used). */
  page(bytes: Uint8Array, view: DataView, used: number): void {
    for (let at = 0; at < used; ) {
      const length = view.getUint32(at + record.LENGTH);
      this.#record(bytes, view, at, at + length);
      at += record.align(length);
    }
  }

  #record(bytes: Uint8Array, view: DataView, at: number, end: number): void {
    switch (view.getUint8(at + record.TYPE)) {
      case RecordType.DIRECTORY:
        return this.#directory(unpackHead(bytes, at + record.DIRECTORY_BODY, end));
      case RecordType.PUBLISH:
        this.#tick(idTime(view.getUint32(at + record.FIRST_ID_HIGH), view.getUint32(at + record.FIRST_ID_LOW)));
        return this.#batch(bytes, view, at);
      case RecordType.KEEP:
        return this.#batch(bytes, view, at);
      case RecordType.STATE:
        return this.#state(bytes, view, at, end);
    }
  }

  /** What has happened before a time that is known now. */
  #tick(time: number): void {
    if (time <= this.#clock) return;
    this.#clock = time;
    for (; this.#open < this.events.length; this.#open++) {
      const event = this.events[this.#open];
      if (event !== undefined && event.time === 0) event.before = time;
    }
  }

  #directory([kind, ...rest]: readonly unknown[]): void {
    if (kind === "queue") {
      const [number, topic, bindKey] = rest;
      if (typeof number !== "number") return;
      if (topic === this.#topic) this.#queues.set(number, String(bindKey));
      else this.#queues.delete(number);
    } else if (kind === "queue deleted" && typeof rest[0] === "number") {
      this.#queues.delete(rest[0]);
    }
  }

  #batch(bytes: Uint8Array, view: DataView, at: number): void {
    const place = this.#idLow - view.getUint32(at + record.FIRST_ID_LOW);
    if (view.getUint32(at + record.FIRST_ID_HIGH) !== this.#idHigh) return;
    if (place < 0 || place >= view.getUint16(at + record.COUNT)) return;
    if (record.isKind(view, at, BatchKind.CHANNEL)) return;
    const topicEnd = at + record.NAMES + view.getUint8(at + record.TOPIC_LENGTH);
    if (readText(bytes, at + record.NAMES, topicEnd) !== this.#topic) return;
    const isKept = view.getUint8(at + record.TYPE) === RecordType.KEEP;
    this.origin ??= originOf(bytes, view, at, place);
    const queues = record.queuesOf(view, at);
    const count = view.getUint16(at + record.QUEUES);
    for (let i = 0; i < count; i++) {
      if (isKept) this.#claim(view, queues + i * record.CLAIM_BYTES, place);
      else this.#published(view.getUint32(queues + i * record.QUEUE_BYTES), view.getFloat64(at + record.DUE));
    }
  }

  #published(queue: number, due: number): void {
    const time = idTime(this.#idHigh, this.#idLow);
    this.#add({ ...this.#event("published", queue), time, due });
  }

  /** A compaction has kept the message, in the state that it had. */
  #claim(view: DataView, at: number, place: number): void {
    const first = view.getUint16(at + record.CLAIM_FIRST);
    if (place < first || place >= first + view.getUint16(at + record.CLAIM_SPAN)) return;
    const mask = view.getUint32(at + record.CLAIM_MASK);
    if (mask !== 0 && ((mask >>> (this.#idLow & 31)) & 1) === 0) return;
    const state = view.getUint8(at + record.CLAIM_STATE);
    const time = view.getFloat64(at + record.CLAIM_TIME);
    this.#add({
      ...this.#event("kept", view.getUint32(at + record.CLAIM_QUEUE)),
      time: state === State.DEAD ? time : 0,
      retry: view.getUint16(at + record.CLAIM_RETRY),
      reason: view.getUint8(at + record.CLAIM_REASON),
      due: state === State.DELAYED ? time : 0,
    });
  }

  #state(bytes: Uint8Array, view: DataView, at: number, end: number): void {
    const queue = view.getUint32(at + record.QUEUE);
    if (!this.#queues.has(queue) || !this.#isIn(view, record.rangesOf(view, at), end)) return;
    const state = view.getUint8(at + record.STATE);
    const time = view.getFloat64(at + record.TIME);
    const retry = view.getUint16(at + record.RETRY);
    const reason = view.getUint8(at + record.REASON);
    const hasFailed = this.#failed(bytes, view, at, queue, retry);
    const more = { retry, reason, due: state === State.DELAYED ? time : 0 };
    if (state === State.DEAD) this.#add({ ...this.#event("dead", queue), ...more, time });
    else if (state === State.FREE) this.#add({ ...this.#event("gone", queue), ...more });
    else if (state === State.DELAYED) this.#add({ ...this.#event("delayed", queue), ...more });
    else if (state === State.READY && !hasFailed) {
      const isRedriven = (view.getUint8(at + record.FLAGS) & REDRIVEN) !== 0 && retry === 0;
      this.#add({ ...this.#event(isRedriven ? "redriven" : "ready", queue), ...more });
    }
  }

  /** Tells the failures of a record that were not told yet. Whether there are any in it. */
  #failed(bytes: Uint8Array, view: DataView, at: number, queue: number, retry: number): boolean {
    const start = at + record.FAILURES;
    const failures = readFailures(view, start, start + view.getUint16(at + record.FAILURES_LENGTH));
    for (const { number, time, how, consumerStart, reasonStart, end } of failures) {
      // A compaction tells them again.
      const last = this.#failures.get(queue);
      if (last !== undefined && number <= last.number && time <= last.time) continue;
      this.#failures.set(queue, { number, time });
      const consumer = readText(bytes, consumerStart, reasonStart);
      const failure = { number, how, consumer, text: readText(bytes, reasonStart, end) };
      this.#add({ ...this.#event("failed", queue), time, retry, failure });
    }
    return failures.length > 0;
  }

  #isIn(view: DataView, start: number, end: number): boolean {
    for (let at = start; at + record.RANGE_BYTES <= end; at += record.RANGE_BYTES) {
      if (view.getUint32(at + record.RANGE_ID_HIGH) !== this.#idHigh) continue;
      const place = this.#idLow - view.getUint32(at + record.RANGE_ID_LOW);
      if (place >= 0 && place < view.getUint32(at + record.RANGE_COUNT)) return true;
    }
    return false;
  }

  #event(what: TrailEvent["what"], queue: number): TrailEvent {
    const name = this.#queues.get(queue) ?? "";
    return { what, queue: name, time: 0, after: this.#clock, before: 0, retry: 0, reason: 0, due: 0, failure: null };
  }

  #add(event: TrailEvent): void {
    // What comes behind it came later.
    this.#tick(event.time);
    this.events.push(event);
    if (this.events.length <= MAX_EVENTS) return;
    this.events.splice(MAX_EVENTS / 2, 1);
    this.leftOut++;
    this.#open = Math.max(0, this.#open - 1);
  }
}

const originOf = (bytes: Uint8Array, view: DataView, at: number, place: number): TrailOrigin => {
  const topicEnd = at + record.NAMES + view.getUint8(at + record.TOPIC_LENGTH);
  const isKept = view.getUint8(at + record.TYPE) === RecordType.KEEP;
  const numbered = !isKept && record.isKind(view, at, BatchKind.NUMBERED) ? record.queuesEnd(view, at) : 0;
  const name = numbered + record.NUMBERED_PRODUCER;
  const keys = isKept ? record.claimsEnd(view, at) : record.numbersEnd(view, at);
  return {
    routeKey: readText(bytes, topicEnd, topicEnd + view.getUint8(at + record.KEY_LENGTH)),
    due: view.getFloat64(at + record.DUE),
    expiry: view.getFloat64(at + record.EXPIRY),
    producer: numbered === 0 ? "" : readText(bytes, name, name + view.getUint8(numbered + record.NUMBERED_LENGTH)),
    sequence: numbered === 0 ? 0 : view.getFloat64(numbered + record.NUMBERED_SEQUENCE) + place,
    key: record.isKind(view, at, BatchKind.KEYED) ? keyAt(bytes, view, keys + record.KEYED_KEYS, place) : "",
  };
};

const keyAt = (bytes: Uint8Array, view: DataView, start: number, place: number): string => {
  let at = start;
  for (let i = 0; i < place; i++) at += 1 + view.getUint8(at);
  return readText(bytes, at + 1, at + 1 + view.getUint8(at));
};
