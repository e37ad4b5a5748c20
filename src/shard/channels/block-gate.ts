/**
 * Holds back publishers of a channel for subscribers that block: the confirms of what was published while one of them is
 * more than a backlog behind wait until it has come nearer. When it is twice as far behind, publishes are refused.
 */
import { Fifo } from "../../collections/fifo.js";
import { ProtocolError } from "../../protocol/errors.js";
import { BACKLOG_BYTES, BACKLOG_MESSAGES } from "../../protocol/limits.js";

/** A subscriber that blocks, has caught up once, and is behind. */
export interface Blocker {
  readonly cursor: number;
  /** The bytes that had been published before its next message. */
  readonly mark: number;
}

/** The CONFIRM of a publish. */
export interface Confirm {
  readonly connection: number;
  readonly request: number;
  readonly idHigh: number;
  readonly idLow: number;
  readonly receivers: number;
  readonly level: number;
}

interface Withheld extends Confirm {
  /** The channel's next position and its bytes behind what was published. */
  readonly end: number;
  readonly mark: number;
}

export class BlockGate {
  readonly #blockers = new Set<Blocker>();
  /** Undefined: to be found, if there are blockers. */
  #slowest: Blocker | undefined;
  /** At most a backlog of publishes. */
  readonly #withheld = new Fifo<Withheld>();

  constructor(readonly confirm: (confirm: Confirm) => void) {}

  get size(): number {
    return this.#blockers.size;
  }

  /** The position of the next message of the slowest; Infinity: nobody blocks. */
  get floor(): number {
    return this.#find()?.cursor ?? Number.POSITIVE_INFINITY;
  }

  add(blocker: Blocker): void {
    this.#blockers.add(blocker);
    this.#slowest = undefined;
  }

  remove(blocker: Blocker): void {
    if (!this.#blockers.delete(blocker)) return;
    this.#slowest = undefined;
    this.#release();
  }

  /** A subscriber has been sent something. */
  moved(blocker: Blocker): void {
    if (!this.#blockers.has(blocker)) return;
    if (this.#slowest === blocker) this.#slowest = undefined;
    this.#release();
  }

  /** Throws BUSY if so much more may not be published. `next` and `mark`: the channel's position and bytes. */
  admit(name: string, next: number, mark: number, count: number, bytes: number): void {
    const slowest = this.#find();
    // Who waits for nothing gets whatever comes, however large.
    if (slowest === undefined || slowest.cursor === next) return;
    const messages = next + count - slowest.cursor;
    if (messages <= 2 * BACKLOG_MESSAGES && mark + bytes - slowest.mark <= 2 * BACKLOG_BYTES) return;
    throw new ProtocolError(
      "BUSY",
      `a subscriber of channel ${name} that blocks it is far behind: publish more slowly`,
    );
  }

  /** Answers a publish, now or later. `end` and `mark`: the channel's next position and its bytes, behind it. */
  answer(confirm: Confirm, end: number, mark: number): void {
    if (this.#blockers.size === 0 || (this.#withheld.length === 0 && this.#isNear(end, mark))) this.confirm(confirm);
    else this.#withheld.push({ ...confirm, end, mark });
  }

  #isNear(end: number, mark: number): boolean {
    const slowest = this.#find();
    return slowest === undefined || (end - slowest.cursor <= BACKLOG_MESSAGES && mark - slowest.mark <= BACKLOG_BYTES);
  }

  #release(): void {
    for (let first = this.#withheld.at(0); first !== undefined; first = this.#withheld.at(0)) {
      if (!this.#isNear(first.end, first.mark)) return;
      this.#withheld.shift();
      this.confirm(first);
    }
  }

  /** Who falls behind later begins later, so that the slowest stays the slowest until it moves. */
  #find(): Blocker | undefined {
    if (this.#blockers.size === 0) return undefined;
    if (this.#slowest === undefined) {
      for (const blocker of this.#blockers) {
        if (this.#slowest === undefined || blocker.cursor < this.#slowest.cursor) this.#slowest = blocker;
      }
    }
    return this.#slowest;
  }
}
