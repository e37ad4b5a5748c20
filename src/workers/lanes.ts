/**
 * Lanes: what connections have asked for beyond their share of a turn. A request that walks much of what a shard holds
 * costs its own connection time: while there is something in its lane all that comes from it waits there, in order. Lanes
 * are served in turn, every other time the one whose turns are the shortest.
 */
import { Fifo } from "../collections/fifo.js";

/** What waits for one connection and for all: past it requests are refused. As much as a largest frame. */
const MAX_LANE_BYTES = 16 * 1024 * 1024;
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

  /** Bytes of frames that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  has(connection: number): boolean {
    return this.#lanes.size > 0 && this.#lanes.has(connection);
  }

  /** Keeps a copy of the whole frames [start, end); false: there are too many already. */
  push(connection: number, bytes: Uint8Array, start: number, end: number): boolean {
    const lane = this.#lanes.get(connection) ?? new Lane(connection);
    const length = end - start;
    // Whatever its length, the rest of a record that was begun is taken: the record was bounded itself.
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
   * Serves a lane: the one whose turn it is, and every other time the one whose turns are the shortest, which then need not wait until
   * all others have had their turn. `decode` takes frames and answers how far it came, which may be nowhere;
   * more of the same lane is taken while there is `hasTime`. False: there is none.
   */
  serve(decode: Decode, cost: (connection: number) => number = () => 0, hasTime: () => boolean = () => false): boolean {
    this.#isByCost = !this.#isByCost;
    const lane = this.#isByCost ? this.#cheapest(cost) : this.#lanes.values().next().value;
    if (lane === undefined) return false;
    // Each may be a short one, as those of who sends one request at a time.
    while (this.#serveChunk(lane, decode) && hasTime());
    this.#lanes.delete(lane.connection);
    // Behind all others.
    if (lane.chunks.length > 0) this.#lanes.set(lane.connection, lane);
    return true;
  }

  /** True: all of it was taken, and there is another. */
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

  /** Of several that cost the same, the one that has waited longest. */
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
