/**
 * Lanes: requests beyond a connection's share of a turn. A request that walks much of a shard delays only its own
 * connection: while its lane is not empty, everything that it sends waits there, in order. Lanes are served in turn, and
 * every other time the one with the shortest turns.
 */
import { Fifo } from "../collections/fifo.js";

/** The most bytes that wait for one connection, and for all; further requests are refused. A largest frame fits. */
export const MAX_LANE_BYTES = 16 * 1024 * 1024;
const MAX_BYTES = 64 * 1024 * 1024;

interface Chunk {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** Whole frames of one connection, from `at` in the first chunk on. */
export class Lane {
  readonly chunks = new Fifo<Chunk>();
  at = 0;
  bytes = 0;

  constructor(readonly connection: number) {}
}

export type Decode = (connection: number, bytes: Uint8Array, view: DataView, start: number, end: number) => number;

export class Lanes {
  /** By connection, the next to be served first. */
  readonly #lanes = new Map<number, Lane>();
  #bytes = 0;
  #isByCost = false;

  constructor(
    readonly maxLaneBytes = MAX_LANE_BYTES,
    readonly maxBytes = MAX_BYTES,
  ) {}

  get isEmpty(): boolean {
    return this.#lanes.size === 0;
  }

  /** Bytes of the waiting frames. */
  get bytes(): number {
    return this.#bytes;
  }

  has(connection: number): boolean {
    return this.#lanes.size > 0 && this.#lanes.has(connection);
  }

  /** Keeps a copy of the whole frames [start, end). False: there are too many. */
  push(connection: number, bytes: Uint8Array, start: number, end: number): boolean {
    const lane = this.#lanes.get(connection) ?? new Lane(connection);
    const length = end - start;
    // The rest of one record is always taken: the size of a record is bounded elsewhere.
    const isOver = lane.bytes + length > this.maxLaneBytes || this.#bytes + length > this.maxBytes;
    if (isOver && lane.bytes > 0) return false;
    const own = bytes.slice(start, end);
    lane.chunks.push({ bytes: own, view: new DataView(own.buffer, own.byteOffset, length) });
    lane.bytes += length;
    this.#bytes += length;
    this.#lanes.set(connection, lane);
    return true;
  }

  /**
   * Serves one lane: the next in turn, or every other time the one with the shortest turns, so that it need not wait for
   * all others. `decode` returns how far it came, perhaps nowhere; while there `hasTime` it is given more of the lane.
   * False: there is no lane.
   */
  serve(decode: Decode, cost: (connection: number) => number = () => 0, hasTime: () => boolean = () => false): boolean {
    this.#isByCost = !this.#isByCost;
    const lane = this.#isByCost ? this.#cheapest(cost) : this.#lanes.values().next().value;
    if (lane === undefined) return false;
    // Chunks may be short, such as those of a client that sends one request at a time.
    while (this.#serveChunk(lane, decode) && hasTime());
    this.#lanes.delete(lane.connection);
    // To the end of the line.
    if (lane.chunks.length > 0) this.#lanes.set(lane.connection, lane);
    return true;
  }

  /** Serves the first chunk of a lane. True: all of it was taken, and there is another. */
  #serveChunk(lane: Lane, decode: Decode): boolean {
    const chunk = lane.chunks.at(0);
    if (chunk === undefined) return false;
    const { bytes, view } = chunk;
    const stop = decode(lane.connection, bytes, view, lane.at, bytes.length);
    this.#took(lane, stop - lane.at);
    lane.at = stop;
    if (stop < bytes.length) return false;
    lane.chunks.shift();
    lane.at = 0;
    return lane.chunks.length > 0;
  }

  /** The cheapest lane; among equals the one that has waited longest. */
  #cheapest(cost: (connection: number) => number): Lane | undefined {
    let cheapest: Lane | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const lane of this.#lanes.values()) {
      const each = cost(lane.connection);
      if (each >= least) continue;
      least = each;
      cheapest = lane;
    }
    return cheapest;
  }

  #took(lane: Lane, bytes: number): void {
    lane.bytes -= bytes;
    this.#bytes -= bytes;
  }
}
