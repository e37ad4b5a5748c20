/** DELAYED: how many of a queue's delayed messages are due when. It walks over them twice where it is not told until when. */
import type { Delayed } from "../command.js";
import { ListWalk } from "./list-walk.js";
import type { Queue } from "./queue.js";
import type { Store } from "./store.js";

/** The answer. Times are milliseconds since 1970. */
interface DelayedCounts {
  /** The broker's clock when it was asked. */
  readonly now: number;
  /** What is counted: from `from` to `to`, in as many parts of equal length as there are counts. */
  readonly from: number;
  readonly to: number;
  readonly counts: readonly number[];
  /** Messages that are due before `from`, and after `to`. */
  readonly before: number;
  readonly after: number;
  /** When the first and the last of all delayed messages are due; null: there are none. */
  readonly first: number | null;
  readonly last: number | null;
}

export class DelayedCursor {
  looks = 0;
  readonly #store: Store;
  readonly #queue: Queue;
  readonly #command: Delayed;
  readonly #now: number;
  readonly #from: number;
  /** Undefined: it is looked for. */
  #to: number | undefined;
  #walk: ListWalk;
  readonly #counts: number[];
  #before = 0;
  #after = 0;
  #first = Number.POSITIVE_INFINITY;
  #last = Number.NEGATIVE_INFINITY;

  constructor(store: Store, queue: Queue, c: Delayed) {
    this.#store = store;
    this.#queue = queue;
    this.#command = c;
    this.#now = Math.floor(store.now);
    this.#from = c.from ?? Math.min(this.#now, c.to ?? this.#now);
    this.#to = c.to;
    this.#counts = new Array<number>(c.buckets).fill(0);
    this.#walk = this.#begin(c.to === undefined ? this.#measure : this.#count);
  }

  /** Walks on, past about `max` extents. False: it is not at the end yet. */
  advance(max: number): boolean {
    this.looks = 0;
    for (;;) {
      const isOver = this.#walk.advance(max - this.looks);
      this.looks += this.#walk.looks;
      if (!isOver || this.#to !== undefined) return isOver;
      this.#to = Math.max(this.#from, this.#last);
      this.#walk = this.#begin(this.#count);
    }
  }

  answer(): void {
    const { connection, request } = this.#command;
    const isSome = this.#first <= this.#last;
    const counts: DelayedCounts = {
      now: this.#now,
      from: this.#from,
      to: this.#to ?? this.#from,
      counts: this.#counts,
      before: this.#before,
      after: this.#after,
      first: isSome ? this.#first : null,
      last: isSome ? this.#last : null,
    };
    this.close();
    this.#store.effects.result(connection, request, counts);
  }

  close(): void {
    this.#walk.close();
  }

  #begin(look: (extent: number) => void): ListWalk {
    const { delayed, delayedCount } = this.#queue;
    return new ListWalk(this.#store, delayed, delayedCount, look);
  }

  readonly #measure = (extent: number): void => {
    const due = Math.ceil(this.#store.wheel.dueOf(extent));
    this.#first = Math.min(this.#first, due);
    this.#last = Math.max(this.#last, due);
  };

  readonly #count = (extent: number): void => {
    this.#measure(extent);
    const { extents, wheel } = this.#store;
    const due = Math.ceil(wheel.dueOf(extent));
    const to = this.#to ?? due;
    const count = extents.count(extent);
    if (due < this.#from) this.#before += count;
    else if (due > to) this.#after += count;
    else {
      const part = to > this.#from ? ((due - this.#from) * this.#counts.length) / (to - this.#from) : 0;
      const at = Math.min(this.#counts.length - 1, Math.floor(part));
      this.#counts[at] = (this.#counts[at] as number) + count;
    }
  };
}
