/**
 * The link to a shard in a thread of its own: the writer of its inbox, the reader of its outbox. A shard that is restarted
 * gets a new link on fresh rings.
 *
 * What does not fit into the inbox waits here, in the order in which it came, as a copy of its own; whoever sent it is
 * told by a `false` and should send nothing more until its `taken` has been called for all of it. Who cannot stop is
 * bounded by `WaitingInput`, which counts what waits in all lines.
 */

import type { MessageHandler } from "../../channel/ends.js";
import { EnvelopeOp, packEnvelope } from "../../channel/envelope.js";
import type { RingMemory } from "../../channel/ring.js";
import { RingReader } from "../../channel/ring-reader.js";
import { RingWriter } from "../../channel/ring-writer.js";
import { Fifo } from "../../collections/fifo.js";
import type { Outlet, Sender, ShardLink } from "./shard-link.js";

interface Waiting {
  envelope: Uint8Array;
  readonly payload: Uint8Array;
  readonly sender: Sender | undefined;
  /** Of a HOLD or RELEASE: whose. */
  readonly toggles: number | undefined;
}

/** The rings of one life of a shard. */
export interface ShardMemory {
  readonly inbox: RingMemory;
  readonly outbox: RingMemory;
}

const NOTHING = new Uint8Array(0);

/**
 * What one drain of the outbox may take before sockets get their turn: about a millisecond of work. It ends behind the
 * record that passes a bound.
 */
const DRAIN_RECORDS = 256;
const DRAIN_BYTES = 1024 * 1024;

export class RingLink implements ShardLink {
  readonly #writer: RingWriter;
  readonly #reader: RingReader;
  readonly #memory: ShardMemory;
  readonly #outlet: Outlet;
  readonly #failed: (error: unknown) => void;
  /** The line, of which the first may be in the ring in part. */
  readonly #waiting = new Fifo<Waiting>();
  /** By connection: the HOLD or RELEASE of it that waits last. */
  readonly #toggles = new Map<number, Waiting>();
  /** Room in the inbox is waited for, or the line is being written. */
  #isWriting = false;
  #closed = false;
  #drained = 0;

  /**
   * `maxAnswerBytes` bounds a record of the outbox that comes in fragments. `failed` is told when the outbox turns out
   * to be corrupt; nothing more is read from it then.
   */
  constructor(
    readonly shard: number,
    memory: ShardMemory,
    maxAnswerBytes: number,
    outlet: Outlet,
    failed: (error: unknown) => void,
  ) {
    this.#writer = new RingWriter(memory.inbox);
    this.#reader = new RingReader(memory.outbox, maxAnswerBytes);
    this.#memory = memory;
    this.#outlet = outlet;
    this.#failed = failed;
    this.#listen();
  }

  /** Slots of the line, for tests of what it gives back. */
  get lineCapacity(): number {
    return this.#waiting.capacity;
  }

  /** Bytes wait for room in the inbox. */
  get isCongested(): boolean {
    return this.#waiting.length > 0;
  }

  /** The thread has taken all that was sent. */
  get isRead(): boolean {
    return !this.isCongested && this.#writer.isRead;
  }

  /**
   * Sends [start, end) of `bytes`, which are the caller's again. False: they wait for room, and `sender.taken` is called
   * later; until then the caller should send no more.
   */
  send(sender: Sender, envelope: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#closed) return true;
    if (!this.isCongested && this.#writer.tryWrite(envelope, bytes, start, end)) return true;
    // Not `slice`: that of a Buffer is no copy.
    const payload = new Uint8Array(end - start);
    payload.set(bytes.subarray(start, end));
    this.#wait({ envelope, payload, sender, toggles: undefined });
    return false;
  }

  /** Tells the shard something about a connection, or (STOP) about itself, behind all that was sent before. */
  tell(op: number, connection: number): void {
    if (this.#closed) return;
    const envelope = packEnvelope([op, connection]);
    if (!this.isCongested && this.#writer.tryWrite(envelope, NOTHING, 0, 0)) return;
    const toggles = op === EnvelopeOp.HOLD || op === EnvelopeOp.RELEASE ? connection : undefined;
    if (toggles !== undefined && this.#toggleAgain(toggles, envelope)) return;
    this.#wait({ envelope: Uint8Array.from(envelope), payload: NOTHING, sender: undefined, toggles });
  }

  /** Reads what the thread, which has ended, left in the outbox; frees the line. Nothing is read or written any more. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      do this.#flushAll();
      while (this.#reader.drain(this.#take, DRAIN_RECORDS) > 0);
    } catch (error) {
      this.#failed(error);
    }
    this.#flushAll();
    this.#toggles.clear();
    for (const { sender, payload } of this.#waiting.takeAll()) sender?.taken(payload.length);
    this.#releaseWaits();
  }

  /**
   * A wait on shared memory keeps that memory until it is woken, and the thread does so no more: writes to the outbox and
   * empties the inbox in its place. One that was abandoned may still be at its ends of the rings: what it reads or writes
   * there counts for nobody.
   */
  #releaseWaits(): void {
    new RingWriter(this.#memory.outbox).tryWrite(packEnvelope([EnvelopeOp.STOP, 0]), NOTHING, 0, 0);
    // Unread: the thread may have begun to take a message in fragments, and the rest of it is no message.
    new RingReader(this.#memory.inbox, 0).discard();
  }

  /** Whatever it costs: only at an end. */
  #flushAll(): void {
    while (!this.#outlet.flush());
  }

  #wait(waiting: Waiting): void {
    this.#waiting.push(waiting);
    if (waiting.toggles !== undefined) this.#toggles.set(waiting.toggles, waiting);
    if (this.#isWriting) return;
    this.#isWriting = true;
    this.#writeWhenRoom();
  }

  /**
   * Of a connection that is held and released over and over only the last word waits, so that the line stays bounded.
   * The first in line may be in the ring already in part and is left alone.
   */
  #toggleAgain(connection: number, envelope: Uint8Array): boolean {
    const waiting = this.#toggles.get(connection);
    if (waiting === undefined || waiting === this.#waiting.at(0)) return false;
    waiting.envelope = Uint8Array.from(envelope);
    return true;
  }

  #writeWhenRoom(): void {
    this.#writer.whenWritable().then(this.#writeWaiting).catch(this.#failed);
  }

  readonly #writeWaiting = (): void => {
    if (this.#closed) return;
    for (;;) {
      const waiting = this.#waiting.at(0);
      if (waiting === undefined) break;
      const { envelope, payload, sender, toggles } = waiting;
      if (!this.#writer.tryWrite(envelope, payload, 0, payload.length)) return this.#writeWhenRoom();
      this.#waiting.shift();
      if (toggles !== undefined && this.#toggles.get(toggles) === waiting) this.#toggles.delete(toggles);
      sender?.taken(payload.length);
    }
    this.#isWriting = false;
  };

  #listen(): void {
    this.#reader.whenReadable().then(this.#drain).catch(this.#failed);
  }

  readonly #drain = (): void => {
    if (this.#closed) return;
    // What an earlier drain has left, of whichever shard.
    if (!this.#outlet.flush()) return void setImmediate(this.#drain);
    this.#drained = 0;
    try {
      this.#reader.drain(this.#take, DRAIN_RECORDS);
    } catch (error) {
      this.#flushAll();
      return this.#failed(error);
    }
    if (this.#outlet.flush() && this.#reader.isEmpty) this.#listen();
    else setImmediate(this.#drain);
  };

  readonly #take: MessageHandler = (envelope, bytes, view, start, end) => {
    // What goes to an audience is written once for each of it.
    const cost = (end - start) * (envelope[0] === EnvelopeOp.FAN_OUT ? envelope.length - 1 : 1);
    this.#drained += cost;
    this.#outlet.record(envelope, bytes, view, start, end);
    if (this.#outlet.isFull || this.#drained >= DRAIN_BYTES) this.#reader.stop();
  };
}
