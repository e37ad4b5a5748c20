/**
 * The shadow model: what a patient observer outside of the broker knows. It is told what clients sent, what the broker
 * has said to them, and what is there after a restart; and it throws where the broker has broken its word.
 *
 * It knows nothing of pages, records and files, and does not believe the shard: what it holds against it is only what
 * was confirmed. What was under way when everything ended may have happened or not, but whole batches only.
 */
import assert from "node:assert/strict";
import { HAS_HEADERS, HEADERS_LENGTH_BYTES, WORD_BYTES } from "../../src/protocol/entry.js";
import { Durability } from "../../src/protocol/op.js";

/** Something that was confirmed: how durably, and when. */
export interface Pledge {
  readonly level: number;
  readonly at: number;
}

/** Whether a promise holds at a restart: depends on its level, and on what has ended and when. */
export type Holds = (promise: Pledge) => boolean;

/** A message as somebody saw it. */
export interface Seen {
  readonly key: number;
  readonly entry: string;
  readonly routeKey: string;
  readonly retry: number;
}

export interface Found extends Seen {
  readonly topic: string;
  readonly queue: string;
}

/** That a message is in a queue, or is there no more. */
export interface Claim {
  readonly topic: string;
  readonly queue: string;
  readonly key: number;
  readonly isThere: boolean;
}

interface Batch {
  readonly topic: string;
  readonly routeKey: string;
  /** Bind keys that it reaches. */
  readonly queues: readonly string[];
  readonly firstSerial: number;
  readonly count: number;
  readonly isDelayed: boolean;
  /** It has a time to live. */
  readonly isTimed: boolean;
  readonly isMerged: boolean;
}

/** A message in one queue. */
interface Place {
  /** Nobody asked for its end; somebody did; it was confirmed. */
  end: "none" | "asked" | Pledge;
  /** What a delivery has told; unsure: it was re-driven, and what was told may have been before that. */
  retry: (Pledge & { readonly count: number }) | "unsure" | undefined;
  /** It was re-driven, or may have been, and has lost its place in the queue. */
  isMoved: boolean;
  /** How often it may have failed: a program was handed it, or somebody nacked it. */
  failures: number;
}

interface Message {
  readonly serial: number;
  readonly batch: Batch;
  readonly places: Map<string, Place>;
  /** Undefined: not confirmed yet. */
  published: Pledge | undefined;
  /** Somebody outside knows its id. */
  isKnown: boolean;
}

/** What was sent under a serial number. */
interface Sent {
  readonly batch: Batch;
  readonly entry: string;
}

export class Shadow {
  /** By serial number. */
  readonly #sent: Sent[] = [];
  /** By id. */
  readonly #messages = new Map<number, Message>();
  /** Topics that drop messages, or did at some time. */
  readonly #lossy = new Set<string>();

  // --- what clients send ---------------------------------------------------------------------------------------------

  /** Makes a batch of messages each of which is unlike all others. Answers its entries. */
  send(what: Omit<Batch, "firstSerial">, size: number): { readonly batch: Batch; readonly bytes: Buffer } {
    const batch = { ...what, firstSerial: this.#sent.length };
    const parts: Buffer[] = [];
    for (let i = 0; i < batch.count; i++) {
      const entry = entryOf(this.#sent.length, size);
      parts.push(entry);
      this.#sent.push({ batch, entry: entry.toString("latin1") });
    }
    return { batch, bytes: Buffer.concat(parts) };
  }

  /** The broker has given messages their ids; nobody has been told yet. */
  number(batch: Batch, index: number, count: number, firstKey: number): void {
    for (let i = 0; i < count; i++) {
      const key = firstKey + i;
      const serial = batch.firstSerial + index + i;
      const namesake = this.#messages.get(key);
      // What was in memory alone may have taken the announcement of its id with it, if the clock was set back as well.
      const isForgotten = namesake?.places.size === 0 && namesake.published?.level === Durability.memory;
      assert.ok(namesake === undefined || isForgotten, `the id ${key} is used a second time`);
      const places = new Map(
        batch.queues.map((queue): [string, Place] => [
          queue,
          { end: "none", retry: undefined, isMoved: false, failures: 0 },
        ]),
      );
      this.#messages.set(key, { serial, batch, places, published: undefined, isKnown: false });
    }
  }

  /** Whether a message that was taken is still in a queue for certain: nobody has asked for its end. */
  isThere(key: number): boolean {
    const message = this.#messages.get(key);
    if (message === undefined || this.#isLossy(message.batch)) return false;
    return [...message.places.values()].some(({ end }) => end === "none");
  }

  /** Somebody asks for the end of messages: an ack, a cancel, a purge. */
  askEnd(topic: string, queue: string, keys: Iterable<number>): void {
    for (const key of keys) {
      const message = this.#messages.get(key);
      const place = message?.batch.topic === topic ? message.places.get(queue) : undefined;
      if (place?.end === "none") place.end = "asked";
    }
  }

  /** Dead letters are sent on their way again: their retries begin at 0. */
  askRedrive(topic: string, queue: string): void {
    for (const { batch, places } of this.#messages.values()) {
      const place = batch.topic === topic ? places.get(queue) : undefined;
      if (place === undefined) continue;
      place.retry = "unsure";
      place.isMoved = true;
    }
  }

  /** A program is handed messages, or a client says that they have failed. */
  mayFail(topic: string, queue: string, keys: Iterable<number>): void {
    for (const key of keys) {
      const message = this.#messages.get(key);
      const place = message?.batch.topic === topic ? message.places.get(queue) : undefined;
      if (place !== undefined) place.failures++;
    }
  }

  /** A message goes out to a client, with that many retries. */
  handOut(topic: string, queue: string, key: number, retry: number): void {
    const message = this.#messages.get(key);
    const place = message?.batch.topic === topic ? message.places.get(queue) : undefined;
    if (place === undefined) return;
    const { failures } = place;
    assert.ok(
      retry <= failures,
      `message ${key} has ${retry} retries, and no more than ${failures} times it can have failed`,
    );
  }

  /** Whether a message must be delivered in the order in which it was published: if nobody has moved it. */
  isInOrder(topic: string, queue: string, key: number): boolean {
    const message = this.#messages.get(key);
    if (message === undefined || message.batch.topic !== topic || message.batch.isDelayed) return false;
    return message.places.get(queue)?.isMoved === false;
  }

  /** What the topic does from now on may end messages without anybody's asking. */
  askLossy(topic: string): void {
    this.#lossy.add(topic);
  }

  // --- what the broker says ------------------------------------------------------------------------------------------

  confirmPublish(firstKey: number, count: number, promise: Pledge): void {
    for (let i = 0; i < count; i++) {
      const message = this.#messages.get(firstKey + i);
      assert.ok(message !== undefined, `message ${firstKey + i} was confirmed and never published`);
      message.published = promise;
      message.isKnown = true;
    }
  }

  /** Messages were taken before, as is told now; some may be gone by now. */
  confirmAgain(firstKey: number, count: number, promise: Pledge): void {
    for (let i = 0; i < count; i++) {
      const message = this.#messages.get(firstKey + i);
      if (message === undefined) continue;
      if ((message.published?.level ?? 0) < promise.level) message.published = promise;
      message.isKnown = true;
    }
  }

  confirmEnd(topic: string, queue: string, keys: Iterable<number>, promise: Pledge): void {
    for (const key of keys) {
      const message = this.#messages.get(key);
      const place = message?.batch.topic === topic ? message.places.get(queue) : undefined;
      if (place !== undefined) place.end = promise;
    }
  }

  /** What was sent under the id of a message; undefined: nothing was. */
  sentAs(key: number): { readonly routeKey: string; readonly body: string } | undefined {
    const sent = this.#sent[this.#messages.get(key)?.serial ?? -1];
    return sent && { routeKey: sent.batch.routeKey, body: bodyOf(sent.entry) };
  }

  /** A message is what was sent. It need not have been delivered yet. */
  check(topic: string, { key, entry, routeKey }: Seen): void {
    const message = this.#messages.get(key);
    assert.ok(message !== undefined, `message ${key} is invented`);
    const sent = this.#sent[message.serial];
    assert.equal(message.batch.topic, topic, `message ${key} is in a wrong topic`);
    assert.ok(sent?.entry === entry, `message ${key} has the bytes of another`);
    assert.equal(routeKey, message.batch.routeKey, `message ${key} has another route key`);
  }

  /** A message was delivered. */
  deliver(topic: string, queue: string, seen: Seen, promise: Pledge): void {
    this.check(topic, seen);
    const message = this.#messages.get(seen.key);
    const place = message?.places.get(queue);
    assert.ok(message !== undefined && place !== undefined, `message ${seen.key} was delivered from a wrong queue`);
    message.isKnown = true;
    if (place.retry !== "unsure") place.retry = { ...promise, count: seen.retry };
  }

  /** What has been confirmed of these topics, at least so durably: what must be there, and what must not. */
  *claims(isAsked: (topic: string) => boolean, level: number): Iterable<Claim> {
    for (const [key, { batch, places, published }] of this.#messages) {
      const { topic } = batch;
      if (!isAsked(topic)) continue;
      for (const [queue, { end }] of places) {
        const isKept = (published?.level ?? 0) >= level;
        if (typeof end === "object" && end.level >= level) yield { topic, queue, key, isThere: false };
        else if (end === "none" && isKept && !this.#isLossy(batch)) yield { topic, queue, key, isThere: true };
      }
    }
  }

  // --- after a restart -----------------------------------------------------------------------------------------------

  /** The shard of these topics, or all of them, ended, and this is what is there. From here on it is there for good. */
  restart(found: readonly Found[], isOver: (topic: string) => boolean, holds: Holds, now: number): void {
    const present = new Map<string, Found>();
    for (const each of found) {
      const where = `${each.topic}/${each.queue}/${each.key}`;
      assert.ok(!present.has(where), `message ${where} is there twice`);
      present.set(where, each);
      this.#recognize(each);
      this.check(each.topic, each);
    }
    const durable: Pledge = { level: Durability.fsync, at: now };
    const batches = new Map<string, boolean>();
    for (const [key, message] of this.#messages) {
      if (!isOver(message.batch.topic)) continue;
      for (const [queue, place] of message.places) {
        const seen = present.get(`${message.batch.topic}/${queue}/${key}`);
        this.#judge(key, queue, message, place, seen, holds);
        if (!this.#isLossy(message.batch)) wholeBatch(batches, key, queue, message, place, seen !== undefined);
        if (seen === undefined) message.places.delete(queue);
        else message.places.set(queue, { ...place, end: "none", retry: undefined });
      }
      if (message.places.size > 0) message.published = durable;
      // What nobody has heard of was never there.
      else if (!message.isKnown) this.#messages.delete(key);
    }
  }

  /** An id that was not seen before the end can only be that of a message that was under way. */
  #recognize({ key, topic, queue, entry }: Found): void {
    const message = this.#messages.get(key);
    assert.ok(message !== undefined, `message ${key} in ${topic}/${queue} is invented: ${entry.slice(0, 20)}`);
    assert.ok(message.places.has(queue), `message ${key} has come back to ${topic}/${queue}`);
  }

  /** Messages may go without anybody's asking. */
  #isLossy({ topic, isTimed }: Batch): boolean {
    return isTimed || this.#lossy.has(topic);
  }

  #judge(key: number, queue: string, message: Message, place: Place, seen: Found | undefined, holds: Holds): void {
    const { batch, published } = message;
    const name = `message ${key} of ${batch.topic}/${queue}`;
    const { end, retry } = place;
    if (seen === undefined) {
      const isPledged = published !== undefined && holds(published);
      assert.ok(!isPledged || end !== "none" || this.#isLossy(batch), `${name} was confirmed and is lost`);
      return;
    }
    assert.ok(typeof end === "string" || !holds(end), `${name} was ended and is there again`);
    if (typeof retry === "object" && holds(retry)) {
      assert.ok(seen.retry >= retry.count, `${name} had ${retry.count} retries and has ${seen.retry}`);
    }
  }
}

/** Throws unless everything is there that is claimed to be, and nothing that is claimed to be gone. */
export const expectTrue = (claims: Iterable<Claim>, found: readonly Found[], where: string): void => {
  const present = new Set(found.map(({ topic, queue, key }) => `${topic}/${queue}/${key}`));
  for (const { topic, queue, key, isThere } of claims) {
    const name = `message ${key} of ${topic}/${queue}`;
    const isFound = present.has(`${topic}/${queue}/${key}`);
    assert.ok(isFound || !isThere, `${name} was confirmed and is lost ${where}`);
    assert.ok(!isFound || isThere, `${name} was acked and is there again ${where}`);
  }
};

/** Of a batch that nobody has taken anything from either all is there or nothing. */
const wholeBatch = (
  batches: Map<string, boolean>,
  key: number,
  queue: string,
  { batch, published }: Message,
  { end }: Place,
  isThere: boolean,
): void => {
  if (published !== undefined || batch.isMerged || end !== "none") return;
  const name = `${batch.firstSerial}/${queue}`;
  const others = batches.get(name);
  assert.ok(others === undefined || others === isThere, `a part of the batch of message ${key} is lost`);
  batches.set(name, isThere);
};

/** A message whose body tells which it is, every fifth with headers. */
const entryOf = (serial: number, size: number): Buffer => {
  const headers = serial % 5 === 0 ? `h${serial}` : "";
  const body = `m${serial}`.padEnd(size + (serial % 3), ".");
  const prefix = headers === "" ? 0 : HEADERS_LENGTH_BYTES + headers.length;
  const entry = Buffer.alloc(WORD_BYTES + prefix + body.length);
  entry.writeUInt32BE(((headers === "" ? 0 : HAS_HEADERS) | (prefix + body.length)) >>> 0, 0);
  if (prefix > 0) {
    entry.writeUInt16BE(headers.length, WORD_BYTES);
    entry.write(headers, WORD_BYTES + HEADERS_LENGTH_BYTES, "latin1");
  }
  entry.write(body, WORD_BYTES + prefix, "latin1");
  return entry;
};

/** The body of an entry, both as latin-1. */
const bodyOf = (entry: string): string => {
  const bytes = Buffer.from(entry, "latin1");
  const headers = bytes.readUInt32BE(0) >= HAS_HEADERS ? HEADERS_LENGTH_BYTES + bytes.readUInt16BE(WORD_BYTES) : 0;
  return entry.slice(WORD_BYTES + headers);
};

export type { Batch };
