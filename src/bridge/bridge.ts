/**
 * One end of a bridge between two threads, which carries streams of bytes both ways: lanes. It is what a socket is to a
 * process: each lane is in order, knows how much of what it sent is not dealt with, and ends on both sides.
 *
 * ```
 *   OPEN ── end, reset, or the other side's ──▶ ENDING ── both have said so ──▶ gone
 * ```
 */
import { BatchWriter, type Post, readBatch } from "./batch-writer.js";
import { RecordKind } from "./record.js";

/** What a lane tells its owner. */
export interface LaneOwner {
  /** The next bytes, which are the owner's; it calls `done` when it has dealt with them. */
  received(bytes: Uint8Array): void;
  /** The other side has dealt with more of what was sent. */
  progressed(): void;
  /** Nothing more comes. `isReset`: the other side has no use for what was sent. Called once, unless the lane was reset. */
  ended(isReset: boolean): void;
}

const NOBODY: LaneOwner = { received: () => {}, progressed: () => {}, ended: () => {} };

/** Runs a task at the end of this turn of the event loop. */
export type Schedule = (task: () => void) => void;

export class Lane {
  owner: LaneOwner = NOBODY;
  /** Bytes sent that the other side has not dealt with. */
  unsettled = 0;
  hasEnded = false;
  isDeaf = false;
  /** Bytes dealt with that the other side has not been told of. */
  untold = 0;

  constructor(
    readonly id: number,
    readonly bridge: Bridge,
  ) {}

  /** Sends bytes, which are copied. What is sent behind the end is dropped. */
  send(bytes: Uint8Array): void {
    if (this.hasEnded || bytes.length === 0) return;
    this.unsettled += bytes.length;
    this.bridge.send(this, bytes);
  }

  /** So many more of the received bytes are dealt with. */
  done(bytes: number): void {
    if (bytes > 0 && !this.isDeaf) this.bridge.done(this, bytes);
  }

  /** Nothing more will be sent. What the other side sends until it has ended too still comes. */
  end(): void {
    if (!this.hasEnded) this.bridge.end(this, RecordKind.END);
  }

  /** Ends at once: nothing is heard of it any more. */
  reset(): void {
    this.owner = NOBODY;
    if (!this.hasEnded) this.bridge.end(this, RecordKind.RESET);
    this.isDeaf = true;
  }
}

export class Bridge {
  readonly #writer: BatchWriter;
  readonly #schedule: Schedule;
  readonly #opened: (lane: Lane, opening: Uint8Array) => void;
  readonly #lanes = new Map<number, Lane>();
  /** Those that have something to tell. */
  #untold: Lane[] = [];
  #isScheduled = false;
  #isBroken = false;
  #last = 0;

  /** `opened` is called for a lane that the other side opens: one of the two sides alone may. */
  constructor(post: Post, schedule: Schedule, opened: (lane: Lane, opening: Uint8Array) => void = () => {}) {
    this.#writer = new BatchWriter(post);
    this.#schedule = schedule;
    this.#opened = opened;
  }

  get size(): number {
    return this.#lanes.size;
  }

  /** Opens a lane; `opening` is for the other side to know it by. */
  open(opening: Uint8Array): Lane {
    this.#last++;
    const lane = new Lane(this.#last, this);
    this.#lanes.set(lane.id, lane);
    this.#writer.add(lane.id, RecordKind.OPEN, opening);
    this.#flushLater();
    return lane;
  }

  /** Takes a batch that the other side has posted. */
  receive(batch: Uint8Array): void {
    readBatch(batch, this.#take);
  }

  /** The other side is gone: every lane ends. */
  broken(): void {
    this.#isBroken = true;
    const lanes = [...this.#lanes.values()];
    this.#lanes.clear();
    for (const lane of lanes) {
      lane.hasEnded = true;
      lane.owner.ended(true);
    }
  }

  // Called by lanes.

  send({ id }: Lane, bytes: Uint8Array): void {
    if (this.#isBroken) return;
    this.#writer.add(id, RecordKind.DATA, bytes);
    this.#flushLater();
  }

  done(lane: Lane, bytes: number): void {
    if (lane.untold === 0) this.#untold.push(lane);
    lane.untold += bytes;
    this.#flushLater();
  }

  end(lane: Lane, kind: number): void {
    lane.hasEnded = true;
    if (this.#isBroken) return;
    this.#writer.note(lane.id, kind);
    this.#flushLater();
  }

  readonly #take = (id: number, kind: number, size: number, bytes: Uint8Array): void => {
    if (kind === RecordKind.OPEN) {
      const lane = new Lane(id, this);
      this.#lanes.set(id, lane);
      return this.#opened(lane, bytes);
    }
    const lane = this.#lanes.get(id);
    if (lane === undefined) return;
    if (kind === RecordKind.DATA) return lane.isDeaf ? undefined : lane.owner.received(bytes);
    if (kind === RecordKind.DONE) {
      lane.unsettled -= size;
      return lane.owner.progressed();
    }
    this.#lanes.delete(id);
    lane.owner.ended(kind === RecordKind.RESET);
    // An owner that has nothing more to send ends here; one whose last words are still to come would end a dead lane.
    if (!lane.hasEnded) this.end(lane, RecordKind.END);
  };

  #flushLater(): void {
    if (this.#isScheduled || this.#isBroken) return;
    this.#isScheduled = true;
    this.#schedule(this.#flush);
  }

  readonly #flush = (): void => {
    this.#isScheduled = false;
    if (this.#isBroken) return;
    const untold = this.#untold;
    this.#untold = [];
    for (const lane of untold) {
      this.#writer.note(lane.id, RecordKind.DONE, lane.untold);
      lane.untold = 0;
    }
    this.#writer.flush();
  };
}
