/**
 * Hands what the shards send to connections. Everything for one connection in one drain of an outbox is gathered and
 * written at once. Frames for an audience (the subscribers of a channel) are gathered once for all of it.
 */

import { copyBytes } from "../channel/copy-bytes.js";
import { EnvelopeOp } from "../channel/envelope.js";
import { contain } from "./boundary.js";
import type { Connection } from "./connection.js";
import type { Log } from "./log.js";
import type { Outlet } from "./shard-link.js";

/** What is gathered for an audience. */
const SHARED_BYTES = 64 * 1024;

/** From here on a write of the shared bytes costs no more than to copy them beside a connection's other answers. */
const AT_ONCE_BYTES = 16 * 1024;

const NOBODY: readonly number[] = [EnvelopeOp.FAN_OUT];

const isSame = (a: readonly number[], b: readonly number[]): boolean => {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
};

export class Deliveries implements Outlet {
  readonly #find: (id: number) => Connection | undefined;
  readonly #log: Log;
  #dirty: Connection[] = [];
  /** The envelope that named the audience, and those of it that are there. */
  #named = NOBODY;
  #audience: Connection[] = [];
  /** Of the audience; connections of it carry it. */
  #number = 0;
  #shared = Buffer.allocUnsafeSlow(SHARED_BYTES);
  #end = 0;

  constructor(find: (id: number) => Connection | undefined, log: Log) {
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
    if (op === EnvelopeOp.FAN_OUT) return this.#fanOut(envelope, bytes, start, end);
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

  flush(): void {
    this.#deliverShared();
    // Nobody is kept in memory for having been in an audience once.
    this.#named = NOBODY;
    this.#audience = [];
    const dirty = this.#dirty;
    if (dirty.length === 0) return;
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

  /** What one connection cannot take costs it alone, and not those whose answers lie beside. */
  #contain(connection: Connection, error: unknown): void {
    contain(this.#log, `the connection of ${connection.peer}`, error, () => connection.destroy());
  }

  #mark(connection: Connection): void {
    if (connection.isDirty) return;
    connection.isDirty = true;
    this.#dirty.push(connection);
  }

  #fanOut(envelope: readonly number[], bytes: Uint8Array, start: number, end: number): void {
    if (!isSame(envelope, this.#named)) {
      this.#deliverShared();
      this.#gatherAudience(envelope);
    }
    const length = end - start;
    if (length > SHARED_BYTES - this.#end) this.#deliverShared();
    if (length > SHARED_BYTES) {
      const whole = Buffer.allocUnsafeSlow(length);
      copyBytes(whole, 0, bytes, start, end);
      this.#deliverToAll(whole);
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

  #deliverShared(): void {
    if (this.#end === 0) return;
    const bytes = this.#shared.subarray(0, this.#end);
    this.#end = 0;
    if (!this.#deliverToAll(bytes)) this.#shared = Buffer.allocUnsafeSlow(SHARED_BYTES);
  }

  /** False: some transport keeps the bytes. */
  #deliverToAll(bytes: Buffer): boolean {
    let isFree = true;
    for (const connection of this.#audience) {
      this.#mark(connection);
      try {
        if (!connection.deliverShared(bytes, bytes.length >= AT_ONCE_BYTES)) isFree = false;
      } catch (error) {
        isFree = false;
        this.#contain(connection, error);
      }
    }
    return isFree;
  }
}
