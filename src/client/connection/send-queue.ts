/**
 * What is on its way to the broker: frames one after another in chunks, each of which is sent with one write. A chunk that the transport cannot take at once waits here, as do requests above the number that the broker
 * allows unanswered.
 */
import { Fifo } from "../../collections/fifo.js";
import { FrameWriter, HEAD, LENGTH_BYTES, REQUEST } from "../../protocol/frame.js";
import type { Transport } from "./transport.js";

/** A chunk with this much in it is sent without waiting for the end of the turn: the broker can begin. */
const FULL = 64 * 1024;

/** A frame that has grown by itself to this much is sent by itself; a smaller one is copied behind what is there. */
const LONE = 8 * 1024;

/** A new chunk, which grows as it is used and is used again. */
const CHUNK_BYTES = 4 * 1024;

/** Chunks kept for use again. One that grew past `MAX_KEPT_BYTES` for a large message is left to the collector. */
const MAX_SPARE = 16;
const MAX_KEPT_BYTES = 256 * 1024;

/** Whole frames, and one that is being written. */
export class Chunk extends FrameWriter {
  /** Requests in it that will be answered. */
  requests = 0;
  /** Bytes of it that have been sent. */
  sent = 0;

  override open(op: number, flags: number, request: number, head: Uint8Array): void {
    super.open(op, flags, request, head);
    if (request !== 0) this.requests++;
  }

  /** Numbers the only frame in it, which was opened without a number. */
  number(request: number): void {
    this.view.setUint32(REQUEST, request);
    this.requests++;
  }
}

export class Outgoing {
  readonly #transport: Transport;
  /** Requests that may be sent and not yet answered. */
  readonly #maxInFlight: number;
  #current = new Chunk(CHUNK_BYTES);
  /** Chunks that nothing is added to any more, the oldest first. */
  readonly #waiting = new Fifo<Chunk>();
  readonly #spare: Chunk[] = [];
  /** Chunks whose bytes the transport still reads. */
  #lent: Chunk[] = [];
  #inFlight = 0;
  #congested = false;

  constructor(transport: Transport, maxInFlight: number) {
    this.#transport = transport;
    this.#maxInFlight = maxInFlight;
  }

  /** Makes room for a frame: what there is no memory for is known before it is begun. */
  reserve(head: Uint8Array, payload: Uint8Array): void {
    this.#current.reserve(HEAD + head.length + payload.length);
  }

  /** Adds a frame. */
  add(op: number, flags: number, request: number, head: Uint8Array, payload: Uint8Array): void {
    this.#current.open(op, flags, request, head);
    this.#current.append(payload);
    this.#current.close();
    if (this.#current.end >= FULL) this.flush();
  }

  /** A chunk of its own for a frame that grows while others are added. It goes behind them, with `attach`. */
  detached(): Chunk {
    return this.#spare.pop() ?? new Chunk(CHUNK_BYTES);
  }

  /** Adds a frame that was written into a detached chunk. The chunk is no longer the caller's. */
  attach(chunk: Chunk): void {
    if (chunk.end < LONE) {
      this.#current.append(chunk.bytes, 0, chunk.end);
      this.#current.requests += chunk.requests;
      this.#recycle(chunk);
      if (this.#current.end >= FULL) this.flush();
    } else {
      this.#retire();
      this.#waiting.push(chunk);
      this.#send();
    }
  }

  /** Sends all that may be sent. */
  flush(): void {
    this.#retire();
    this.#send();
  }

  /** The transport has room again. */
  drained(): void {
    const lent = this.#lent;
    this.#lent = [];
    for (const chunk of lent) this.#recycle(chunk);
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

  /** Hands everything to the transport, whatever the limits: the connection is about to be closed. */
  surrender(): void {
    this.#retire();
    for (const chunk of this.#waiting) this.#transport.send(chunk.bytes.subarray(chunk.sent, chunk.end));
    this.#waiting.clear();
  }

  #retire(): void {
    if (this.#current.end === 0) return;
    this.#waiting.push(this.#current);
    this.#current = this.detached();
  }

  #send(): void {
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
      const taken = this.#transport.send(chunk.bytes.subarray(chunk.sent, chunk.end));
      if (taken) {
        this.#recycle(chunk);
      } else {
        this.#lent.push(chunk);
        this.#congested = true;
      }
    }
  }

  /** Sends the frames of a chunk up to and with its `room`th request. */
  #sendPart(chunk: Chunk, room: number): void {
    let at = chunk.sent;
    let requests = 0;
    while (requests < room) {
      if (chunk.view.getUint32(at + REQUEST) !== 0) requests++;
      at += LENGTH_BYTES + chunk.view.getUint32(at);
    }
    // A copy, because the chunk stays here: part of a chunk goes only when tens of thousands of requests are waiting.
    const part = chunk.bytes.slice(chunk.sent, at);
    chunk.sent = at;
    chunk.requests -= requests;
    this.#inFlight += requests;
    if (!this.#transport.send(part)) this.#congested = true;
  }

  #recycle(chunk: Chunk): void {
    if (this.#spare.length >= MAX_SPARE || chunk.bytes.length > MAX_KEPT_BYTES) return;
    chunk.clear();
    chunk.requests = 0;
    chunk.sent = 0;
    this.#spare.push(chunk);
  }
}
