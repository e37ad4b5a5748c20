/** Where a channel ceased to be kept, as long as a restart may find it kept still and give later positions again. */
import type { StoredChannel } from "../topics/stored-channel.js";

export type StoredLog = Readonly<Pick<StoredChannel["store"]["log"], "position" | "durable">>;

export class KeptUntil {
  readonly #end: number;

  /** The log has just recorded it. */
  constructor(
    readonly position: number,
    readonly log: StoredLog,
  ) {
    this.#end = log.position;
  }

  get isOnDisk(): boolean {
    return this.#end <= this.log.durable;
  }
}
