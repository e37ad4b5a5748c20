/**
 * Hands what the shards send to connections. Everything for one connection in one drain of an outbox is gathered and
 * written at once. Frames for an audience (the subscribers of a channel) are gathered once for all of it.
 */

import { allocate } from "../../channel/buffers.js";
import { copyBytes } from "../../channel/copy-bytes.js";
import { EnvelopeOp } from "../../channel/envelope.js";
import type { Log } from "../log.js";
import type { Outlet } from "../shards/shard-link.js";
import type { NativeConnection } from "./connection.js";
import { contain } from "./error-boundary.js";

/** What is gathered for an audience. */
const SHARED_BYTES = 64 * 1024;

/** From here on a write of the shared bytes costs no more than to copy them beside a connection's other answers. */
const AT_ONCE_BYTES = 16 * 1024;

/**
 * What one flush may cost, some ten milliseconds: bytes that go to sockets, and those that could be written in the time
 * that a write takes beside its bytes. The rest of an audience waits until other sockets have had their turn.
 */
const SLICE_BYTES = 16 * 1024 * 1024;
const WRITE_BYTES = 32 * 1024;

/** For a larger audience nothing is gathered: in front of a record for one of its connections all of it is written. */
const MAX_GATHERED_FOR = 2_048;

/** What an audience is being sent: those before `next` have it. */
interface FanOut {
  readonly bytes: Buffer;
  readonly audience: readonly NativeConnection[];
  next: number;
}

const NOBODY: readonly number[] = [EnvelopeOp.FAN_OUT];

const isSame = (a: readonly number[], b: readonly number[]): boolean => {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
};

export class OutboxDrain implements Outlet {
  readonly #find: (id: number) => NativeConnection | undefined;
  readonly #log: Log;
  #dirty: NativeConnection[] = [];
  /** The envelope that named the audience, and those of it that are there. */
  #named = NOBODY;
  #audience: NativeConnection[] = [];
  /** Of the audience; connections of it carry it. */
  #number = 0;
  #shared = allocate(SHARED_BYTES);
  #end = 0;
  /** What is sent to more than one flush has time for. Nothing is gathered meanwhile. */
  #fanOut: FanOut | undefined;

  constructor(find: (id: number) => NativeConnection | undefined, log: Log) {
    this.#find = find;
    this.#log = log;
  }

  readonly record = (
    envelope: readonly number[],
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
  ): void => {
    const [op, id = 0] = envelope;
    if (op === EnvelopeOp.FAN_OUT) return this.#gather(envelope, bytes, start, end);
    const connection = this.#find(id);
    if (connection === undefined) return;
    // In order: what it was sent as part of the audience came before.
    if (this.#end > 0 && connection.audience === this.#number) this.#deliverShared();
    this.#mark(connection);
    try {
      connection.deliver(bytes, view, start, end);
      if (op === EnvelopeOp.CLOSE) connection.conclude();
    } catch (error) {
      this.#contain(connection, error);
    }
  };

  get isFull(): boolean {
    if (this.#fanOut !== undefined) return true;
    const { length } = this.#audience;
    return this.#end > 0 && (length > MAX_GATHERED_FOR || this.#end * length > SLICE_BYTES);
  }

  flush(): boolean {
    this.#beginFanOut();
    this.#sendSlice();
    if (this.#dirty.length > 0) this.#flushDirty();
    return this.#fanOut === undefined;
  }

  /** An error closes the connection it is about; answers for others in the same record still arrive. */
  #contain(connection: NativeConnection, error: unknown): void {
    contain(this.#log, `the connection of ${connection.peer}`, error, () => connection.destroy());
  }

  #mark(connection: NativeConnection): void {
    if (connection.isDirty) return;
    connection.isDirty = true;
    this.#dirty.push(connection);
  }

  #flushDirty(): void {
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const connection of dirty) {
      connection.isDirty = false;
      try {
        connection.flush();
      } catch (error) {
        this.#contain(connection, error);
      }
    }
  }

  #gather(envelope: readonly number[], bytes: Uint8Array, start: number, end: number): void {
    if (!isSame(envelope, this.#named)) {
      this.#deliverShared();
      this.#gatherAudience(envelope);
    }
    const length = end - start;
    if (length > SHARED_BYTES - this.#end) this.#deliverShared();
    if (length > SHARED_BYTES) {
      const whole = allocate(length);
      copyBytes(whole, 0, bytes, start, end);
      this.#fanOut = { bytes: whole, audience: this.#audience, next: 0 };
      return;
    }
    copyBytes(this.#shared, this.#end, bytes, start, end);
    this.#end += length;
  }

  #gatherAudience(envelope: readonly number[]): void {
    this.#named = envelope;
    this.#number++;
    this.#audience = [];
    for (let i = 1; i < envelope.length; i++) {
      const connection = this.#find(envelope[i] ?? 0);
      if (connection === undefined) continue;
      connection.audience = this.#number;
      this.#audience.push(connection);
    }
  }

  /** What is gathered goes to all of its audience at once: at most about a slice, or it would not be gathered still. */
  #deliverShared(): void {
    if (this.#end === 0) return;
    const bytes = this.#takeShared();
    for (const connection of this.#audience) this.#deliver(connection, bytes);
  }

  /** What is gathered is sent from now on, a slice with each flush. */
  #beginFanOut(): void {
    if (this.#end > 0) this.#fanOut = { bytes: this.#takeShared(), audience: this.#audience, next: 0 };
    // So that closed connections are not kept in memory.
    this.#named = NOBODY;
    this.#audience = [];
  }

  #takeShared(): Buffer {
    const bytes = this.#shared.subarray(0, this.#end);
    this.#end = 0;
    return bytes;
  }

  #sendSlice(): void {
    const fanOut = this.#fanOut;
    if (fanOut === undefined) return;
    const { bytes, audience } = fanOut;
    const most = Math.ceil(SLICE_BYTES / (bytes.length + WRITE_BYTES));
    const stop = Math.min(audience.length, fanOut.next + most);
    for (; fanOut.next < stop; fanOut.next++) this.#deliver(audience[fanOut.next] as NativeConnection, bytes);
    if (stop === audience.length) this.#fanOut = undefined;
  }

  #deliver(connection: NativeConnection, bytes: Buffer): void {
    this.#mark(connection);
    let isFree = false;
    try {
      isFree = connection.deliverShared(bytes, bytes.length >= AT_ONCE_BYTES);
    } catch (error) {
      this.#contain(connection, error);
    }
    // A transport keeps the bytes: take a new buffer.
    if (!isFree && bytes.buffer === this.#shared.buffer) this.#shared = allocate(SHARED_BYTES);
  }
}
