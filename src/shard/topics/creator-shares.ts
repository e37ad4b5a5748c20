/** How many names of a shard each connection has made that still exist, lest one makes all that there may be. */
import { ProtocolError } from "../../protocol/errors.js";

export class CreatorShares {
  readonly #made = new Map<number, number>();

  constructor(
    /** How many one connection may have made. */
    readonly share: number,
    /** `topics` or `channels`: for the error. */
    readonly what: string,
  ) {}

  /** Throws TOO_MANY_TOPICS when the connection has made its share. */
  check(connection: number): void {
    if ((this.#made.get(connection) ?? 0) < this.share) return;
    throw new ProtocolError(
      "TOO_MANY_TOPICS",
      `the connection has made its share of ${this.share} ${this.what} of a shard: delete some, or raise --max-topics-per-connection`,
    );
  }

  add(connection: number): void {
    this.#made.set(connection, (this.#made.get(connection) ?? 0) + 1);
  }

  /** A name is gone. `creator`: the connection that it was made for; undefined: it was read back. */
  remove(creator: number | undefined): void {
    if (creator === undefined) return;
    const made = (this.#made.get(creator) ?? 0) - 1;
    if (made > 0) this.#made.set(creator, made);
    else this.#made.delete(creator);
  }

  /** Throws when it does not count just these. */
  invariants(named: readonly { readonly creator?: number | undefined }[]): void {
    const made = named.filter(({ creator }) => creator !== undefined).length;
    const counted = [...this.#made.values()].reduce((sum, count) => sum + count, 0);
    if (counted !== made) {
      throw new Error(`directory: connections have made ${made} ${this.what}, ${counted} are counted`);
    }
  }
}
