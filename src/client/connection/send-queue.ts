/**
 * Frames on their way to the transport, gathered in chunks that are sent with one write each. Two things make a chunk
 * wait here: a congested transport, and the broker's limit of unanswered requests. What others wait for goes past the limit:
 * two programs whose requests wait for each other's replies would otherwise be at a standstill.
 */
import { Fifo } from "../../collections/fifo.js";
import { HEAD, LENGTH_BYTES, REQUEST } from "../../protocol/frame.js";
import { Chunk } from "./chunk.js";
import type { Transport } from "./transport.js";

/** A chunk of this size is sent before the end of the turn, so that the broker can begin. */
const FULL_BYTES = 64 * 1024;

/** A detached chunk of this size is sent as it is; a smaller one is copied into the current chunk. */
export const LARGE_BYTES = 8 * 1024;

/** The size of a new chunk. It grows as needed. */
const CHUNK_BYTES = 4 * 1024;

/**
 * Chunks kept for reuse, their bytes, and the size above which one is left to the garbage collector instead. It is as many as
 * there are when a program has as much on its way as `PendingBytes` finds enough, in frames of their own that may be sent again.
 */
const MAX_SPARE = 128;
const MAX_SPARE_BYTES = 8 * 1024 * 1024;
const MAX_KEPT_BYTES = 256 * 1024;

export class SendQueue {
  readonly #transport: Transport;
  /** How many requests may be unanswered. */
  readonly #maxInFlight: number;
  #current = new Chunk(CHUNK_BYTES);
  /** Chunks to which nothing is added any more, the oldest first. */
  readonly #waiting = new Fifo<Chunk>();
  /** Frames that do not wait for the limit; those of the present turn, and those that may go. */
  #free = new Chunk(CHUNK_BYTES);
  readonly #freed = new Fifo<Chunk>();
  readonly #spare: Chunk[] = [];
  #spareBytes = 0;
  /** Chunks that the transport has not finished reading. */
  #lent: Chunk[] = [];
  #inFlight = 0;
  #congested = false;

  constructor(transport: Transport, maxInFlight: number) {
    this.#transport = transport;
    this.#maxInFlight = maxInFlight;
  }

  /** Makes room for a frame, so that running out of memory is noticed before the frame is begun. */
  reserve(head: Uint8Array, payload: Uint8Array): void {
    this.#current.reserve(HEAD + head.length + payload.length);
  }

  /** Adds a frame. */
  add(op: number, flags: number, request: number, head: Uint8Array, payload: Uint8Array): void {
    this.#current.open(op, flags, request, head);
    this.#current.append(payload);
    this.#current.close();
    if (this.#current.end >= FULL_BYTES) this.flush();
  }

  /** Adds a request that is encoded already. */
  addWhole(frame: Uint8Array): void {
    this.#current.append(frame);
    this.#current.requests++;
    if (this.#current.end >= FULL_BYTES) this.flush();
  }

  /** Adds a frame that has no answer and does not wait for the limit. Of what may be sent it comes last. */
  addFree(op: number, head: Uint8Array, payload: Uint8Array): void {
    this.#free.open(op, 0, 0, head);
    this.#free.append(payload);
    this.#free.close();
    if (this.#free.end >= FULL_BYTES) this.flush();
  }

  /** A chunk for a frame that grows while others are added. `attach` queues it behind them. */
  detached(): Chunk {
    const spare = this.#spare.pop();
    if (spare === undefined) return new Chunk(CHUNK_BYTES);
    this.#spareBytes -= spare.bytes.length;
    return spare;
  }

  /** Adds the frame in a detached chunk. The chunk belongs to the queue again. */
  attach(chunk: Chunk): void {
    if (chunk.end < LARGE_BYTES) {
      this.#current.append(chunk.bytes, 0, chunk.end);
      this.#current.requests += chunk.requests;
      this.recycle(chunk);
      if (this.#current.end >= FULL_BYTES) this.flush();
    } else {
      this.#endChunk();
      this.#waiting.push(chunk);
      this.#send();
    }
  }

  /** Sends as much as the limits allow. */
  flush(): void {
    this.#endChunks();
    this.#send();
  }

  /** The transport has room again. */
  drained(): void {
    const lent = this.#lent;
    this.#lent = [];
    for (const chunk of lent) this.recycle(chunk);
    this.#congested = false;
    this.#send();
  }

  /** A request was answered: one more may be sent, by the next `resume`. */
  answered(): void {
    this.#inFlight--;
  }

  /** Sends what waited for answers. */
  resume(): void {
    if (this.#waiting.length > 0) this.#send();
  }

  /** Hands everything to the transport regardless of the limits: the connection is about to close. */
  flushAll(): void {
    this.#endChunks();
    for (const chunks of [this.#waiting, this.#freed]) {
      for (const chunk of chunks) this.#transport.send(chunk.bytes.subarray(chunk.sent, chunk.end));
      chunks.clear();
    }
  }

  /** The present chunks become such as are sent. */
  #endChunks(): void {
    this.#endChunk();
    if (this.#free.end === 0) return;
    this.#freed.push(this.#free);
    this.#free = this.detached();
  }

  #endChunk(): void {
    if (this.#current.end === 0) return;
    this.#waiting.push(this.#current);
    this.#current = this.detached();
  }

  #send(): void {
    this.#sendWaiting();
    while (!this.#congested) {
      const chunk = this.#freed.shift();
      if (chunk === undefined) return;
      this.#sendChunk(chunk);
    }
  }

  #sendWaiting(): void {
    while (!this.#congested) {
      const chunk = this.#waiting.at(0);
      if (chunk === undefined) return;
      const room = this.#maxInFlight - this.#inFlight;
      if (chunk.requests > room) {
        if (room > 0) this.#sendPart(chunk, room);
        return;
      }
      this.#waiting.shift();
      this.#inFlight += chunk.requests;
      this.#sendChunk(chunk);
    }
  }

  #sendChunk(chunk: Chunk): void {
    if (this.#transport.send(chunk.bytes.subarray(chunk.sent, chunk.end))) {
      this.recycle(chunk);
    } else {
      this.#lent.push(chunk);
      this.#congested = true;
    }
  }

  /** Sends the frames of a chunk up to and including its `room`th request. */
  #sendPart(chunk: Chunk, room: number): void {
    let at = chunk.sent;
    let requests = 0;
    while (requests < room) {
      if (chunk.view.getUint32(at + REQUEST) !== 0) requests++;
      at += LENGTH_BYTES + chunk.view.getUint32(at);
    }
    // A copy, because the chunk stays here. Rare: only when tens of thousands of requests are unanswered.
    const part = chunk.bytes.slice(chunk.sent, at);
    chunk.sent = at;
    chunk.requests -= requests;
    this.#inFlight += requests;
    if (!this.#transport.send(part)) this.#congested = true;
  }

  /** One who held a chunk does not need it any more. */
  recycle(chunk: Chunk): void {
    if (--chunk.holders > 0) return;
    chunk.holders = 1;
    const { length } = chunk.bytes;
    if (length > MAX_KEPT_BYTES || this.#spareBytes + length > MAX_SPARE_BYTES) return;
    if (this.#spare.length >= MAX_SPARE) return;
    this.#spareBytes += length;
    chunk.clear();
    chunk.requests = 0;
    chunk.sent = 0;
    this.#spare.push(chunk);
  }
}
