/**
 * What staged answers rest on: how far the log must be durable, and how far it must be synced, before they may be sent.
 * It is noted when an answer is staged, and asserted whenever answers leave. So a mistake anywhere in between (a record
 * that asks for no sync, a commit left out, answers let go in a stall) ends the shard, and no client is told a lie.
 */
export class Footing {
  #durable = 0;
  #synced = 0;

  /** An answer rests on what is before this position of the log, as durable as it asked to be. */
  on(position: number): void {
    if (position > this.#durable) this.#durable = position;
  }

  /** An answer says that what is before this position survives a loss of power. */
  onSynced(position: number): void {
    if (position > this.#synced) this.#synced = position;
  }

  /** Throws if something of it is missing. */
  assert(durable: number, synced: number): void {
    if (this.#durable > durable) {
      throw new Error(
        `pump: an answer that rests on position ${this.#durable} of a log that is durable up to ${durable}`,
      );
    }
    if (this.#synced > synced) {
      throw new Error(
        `pump: an answer that promises a sync up to position ${this.#synced}, and it is synced up to ${synced}`,
      );
    }
  }
}
