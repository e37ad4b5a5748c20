/**
 * The topics of the broker: all of them, loaded a page at a time, and those in sight, which are asked for by themselves.
 *
 * A row stays the same object as long as its topic is there, and what is new of it is in a signal: so the order of the rows, and what
 * has the focus, stay as they are when something is learnt.
 */
import { type Signal, signal } from "@preact/signals";
import { type Client, RingmqError, type TopicStatistics } from "ringmq/client";
import { lookAt, type TopicLook } from "../../broker/topic-look.js";

export interface TopicRow {
  readonly name: string;
  readonly look: Signal<TopicLook>;
}

/** Topics that are listed, at most: what a browser holds with ease. */
const MOST = 100_000;

/** Rows that are shown while the first list is loaded: these, then twice as many each time. */
const FIRST_SHOWN = 100;

export class TopicList {
  /** In the order in which the broker tells of them; undefined: none has come. */
  readonly rows = signal<readonly TopicRow[] | undefined>(undefined);
  /** There are more than are listed. */
  readonly isCut = signal(false);
  /** How many have come of a list that is being loaded for the first time; undefined: none is. */
  readonly progress = signal<number | undefined>(undefined);
  readonly #client: Client;
  readonly #known = new Map<string, TopicRow>();
  #inSight: readonly TopicRow[] = [];
  #isOver = false;

  constructor(client: Client) {
    this.#client = client;
  }

  /** These are to be seen: `refresh` asks for them. */
  see(rows: readonly TopicRow[]): void {
    this.#inSight = rows;
  }

  /** Loads all of them, from the first on. */
  async load(): Promise<void> {
    const isFirst = this.rows.peek() === undefined;
    const found: TopicRow[] = [];
    let next = FIRST_SHOWN;
    let isCut = false;
    for await (const stats of this.#client.topics()) {
      if (this.#isOver) return;
      if (found.length === MOST) {
        isCut = true;
        break;
      }
      found.push(this.#learn(stats));
      if (!isFirst || found.length < next) continue;
      next *= 2;
      this.rows.value = [...found];
      this.progress.value = found.length;
    }
    this.progress.value = undefined;
    this.isCut.value = isCut;
    this.#keep(found);
  }

  /** Asks for those in sight. */
  async refresh(): Promise<void> {
    await Promise.all(this.#inSight.map((row) => this.#refresh(row)));
  }

  /** Nobody looks any more. */
  stop(): void {
    this.#isOver = true;
  }

  async #refresh({ name }: TopicRow): Promise<void> {
    try {
      this.#learn(await this.#client.stats(name));
    } catch (error) {
      // The next list goes without one that was deleted or forgotten.
      if (!(error instanceof RingmqError && error.code === "NO_TOPIC")) throw error;
    }
  }

  #learn(stats: TopicStatistics): TopicRow {
    const { name } = stats;
    const now = performance.now();
    const known = this.#known.get(name);
    if (known !== undefined) {
      known.look.value = lookAt(stats, now, known.look.peek());
      return known;
    }
    const row: TopicRow = { name, look: signal(lookAt(stats, now)) };
    this.#known.set(name, row);
    return row;
  }

  /** The same topics in the same order are the same list. */
  #keep(found: readonly TopicRow[]): void {
    const before = this.rows.peek();
    if (before?.length === found.length && found.every((row, i) => row === before[i])) return;
    this.rows.value = found;
    const names = new Set(found.map(({ name }) => name));
    for (const name of this.#known.keys()) if (!names.has(name)) this.#known.delete(name);
  }
}
