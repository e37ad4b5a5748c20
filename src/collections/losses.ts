/**
 * Adds up how many messages slow subscribers have lost, to be told once in a while for each channel, not for each message.
 */
export interface LossTotals {
  readonly channel: string;
  readonly lost: number;
  /** The last client that lost some. */
  readonly client: string;
}

/** Milliseconds for which losses are added up. */
const SAY_EVERY = 1_000;

/** Channels of which losses are told one by one; those of others are added up. */
const MAX_CHANNELS = 100;
const OTHERS = "(others)";

export class Losses {
  readonly #say: (losses: LossTotals) => void;
  readonly #byChannel = new Map<string, { lost: number; client: string }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(say: (losses: LossTotals) => void) {
    this.#say = say;
  }

  add(channel: string, client: string, count: number): void {
    if (count === 0) return;
    const name = this.#byChannel.has(channel) || this.#byChannel.size < MAX_CHANNELS ? channel : OTHERS;
    const before = this.#byChannel.get(name);
    if (before === undefined) this.#byChannel.set(name, { lost: count, client });
    else {
      before.lost += count;
      before.client = client;
    }
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.flush(), SAY_EVERY);
    this.#timer.unref();
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const [channel, { lost, client }] of this.#byChannel) this.#say({ channel, lost, client });
    this.#byChannel.clear();
  }
}
