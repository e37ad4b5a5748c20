/**
 * Where a channel ceased to be kept on disk, as long as a restart may find it kept still: what was not durable by then has
 * positions that may be given again, and so has what follows.
 */
import type { StoredChannel } from "../topics/stored-channel.js";

export type StoredLog = Readonly<Pick<StoredChannel["store"]["log"], "position" | "durable">>;

export class KeptUntil {
  readonly #end: number;

  /** The log has just recorded it. */
  constructor(
    /** What was durable before. */
    readonly position: number,
    readonly log: StoredLog,
  ) {
    this.#end = log.position;
  }

  get isOnDisk(): boolean {
    return this.#end <= this.log.durable;
  }
}
