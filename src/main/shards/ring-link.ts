/**
 * The link to a shard in a thread of its own: the writer of its inbox and the reader of its outbox. After a restart a
 * shard has a new link on fresh rings.
 *
 * What does not fit into the inbox is copied and waits here, in order. `send` returns false then, and its sender should
 * send nothing more until `taken` was called for all of it. `WaitingInput` bounds what waits in the lines of all links.
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
  /** For a HOLD or UNHOLD: the connection. */
  readonly toggles: number | undefined;
}

/** The rings of one life of a shard. */
export interface ShardMemory {
  readonly inbox: RingMemory;
  readonly outbox: RingMemory;
}

const NOTHING = new Uint8Array(0);

/**
 * What one drain of the outbox may take before sockets get their turn: about a millisecond of work. It ends after the
 * record that exceeds a limit.
 */
const DRAIN_RECORDS = 256;
const DRAIN_BYTES = 1024 * 1024;

export class RingLink implements ShardLink {
  readonly #writer: RingWriter;
  readonly #reader: RingReader;
  readonly #memory: ShardMemory;
  readonly #outlet: Outlet;
  readonly #failed: (error: unknown) => void;
  /** The waiting line. The first one may be partly in the ring. */
  readonly #waiting = new Fifo<Waiting>();
  /** The last waiting HOLD or UNHOLD of each connection. */
  readonly #toggles = new Map<number, Waiting>();
  /** It is waiting for room in the inbox, or writing the line. */
  #isWriting = false;
  #closed = false;
  #drained = 0;

  /**
   * `maxAnswerBytes` bounds a fragmented message of the outbox. `failed` is called when the outbox is corrupt; nothing
   * more is read from it then.
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

  /** Allocated slots of the line, for tests. */
  get lineCapacity(): number {
    return this.#waiting.capacity;
  }

  /** Bytes are waiting for room in the inbox. */
  get isCongested(): boolean {
    return this.#waiting.length > 0;
  }

  /** Bytes of records in the inbox that the thread has not taken. */
  get inboxBytes(): number {
    return this.#writer.unreadBytes;
  }

  /** Bytes of records in the outbox that were not read. */
  get outboxBytes(): number {
    return this.#reader.unreadBytes;
  }

  /** The thread has taken everything that was sent. */
  get isRead(): boolean {
    return !this.isCongested && this.#writer.isRead;
  }

  /**
   * Sends [start, end) of `bytes`, which may be reused at once. False: they wait for room, `sender.taken` is called later,
   * and the caller should send nothing more until then.
   */
  send(sender: Sender, envelope: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#closed) return true;
    if (!this.isCongested && this.#writer.tryWrite(envelope, bytes, start, end)) return true;
    // Not `slice`: that of a Buffer is not a copy.
    const payload = new Uint8Array(end - start);
    payload.set(bytes.subarray(start, end));
    this.#wait({ envelope, payload, sender, toggles: undefined });
    return false;
  }

  /** Tells the shard something about a connection, or (STOP) about itself, after everything that was sent before. */
  tell(op: number, connection: number): void {
    if (this.#closed) return;
    const envelope = packEnvelope([op, connection]);
    if (!this.isCongested && this.#writer.tryWrite(envelope, NOTHING, 0, 0)) return;
    const toggles = op === EnvelopeOp.HOLD || op === EnvelopeOp.UNHOLD ? connection : undefined;
    if (toggles !== undefined && this.#toggleAgain(toggles, envelope)) return;
    this.#wait({ envelope: Uint8Array.from(envelope), payload: NOTHING, sender: undefined, toggles });
  }

  /** Reads what the thread, which has ended, left in the outbox, and drops the line. Ends all reading and writing. */
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
   * A pending wait on shared memory keeps that memory alive until it is woken, which the thread will not do any more. So
   * this writes to the outbox and empties the inbox in its place. An abandoned thread may still use its ends of the rings;
   * nobody cares what it reads or writes there.
   */
  #releaseWaits(): void {
    new RingWriter(this.#memory.outbox).tryWrite(packEnvelope([EnvelopeOp.STOP, 0]), NOTHING, 0, 0);
    // Not read: the thread may have taken the first fragments of a message.
    new RingReader(this.#memory.inbox, 0).discard();
  }

  /** Sends everything, however long that takes. Only at the end. */
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
   * Replaces a waiting HOLD or UNHOLD of the connection, so that the line stays bounded if it is held and let go over
   * and over. The first in line is left alone, because it may be partly in the ring.
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
    // First what an earlier drain has left, of any shard.
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
    // What goes to an audience is written once for each connection.
    const cost = (end - start) * (envelope[0] === EnvelopeOp.FAN_OUT ? envelope.length - 1 : 1);
    this.#drained += cost;
    this.#outlet.record(envelope, bytes, view, start, end);
    if (this.#outlet.isFull || this.#drained >= DRAIN_BYTES) this.#reader.stop();
  };
}
