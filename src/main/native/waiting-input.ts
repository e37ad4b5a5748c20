/**
 * Input of all connections together that waits for room in the inboxes of shards. Past half of the budget only those
 * that have nothing waiting are let in, so that small ones still get through; past all of it nobody is.
 */

/** What keeps a run in the line of a shard, beside its bytes: several small objects. */
const RUN_BYTES = 256;

export class WaitingInput {
  #bytes = 0;

  constructor(readonly maxBytes: number) {}

  get bytes(): number {
    return this.#bytes;
  }

  /** Requests of connections that have something waiting are to be refused. */
  get isShort(): boolean {
    return this.#bytes > this.maxBytes / 2;
  }

  /** All requests are to be refused. */
  get isSpent(): boolean {
    return this.#bytes > this.maxBytes;
  }

  /** A run of so many bytes waits. */
  add(bytes: number): void {
    this.#bytes += RUN_BYTES + bytes;
  }

  /** It does so no more. */
  remove(bytes: number): void {
    this.#bytes -= RUN_BYTES + bytes;
  }
}
