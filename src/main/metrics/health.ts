/** Whether a broker is ready for clients, for probes: `/readyz`. */

/** The shards of a broker, as far as probes go. */
export interface WatchedShards {
  readonly count: number;
  /** It has read its journal and takes requests. */
  isUp(shard: number): boolean;
  /** It will not come back by itself. */
  isGivenUp(shard: number): boolean;
}

export const STARTING = "the broker is starting: it reads its journal";
export const STOPPING = "the broker is stopping";

export class Health {
  readonly #shards: WatchedShards;
  #state: "starting" | "running" | "stopping" = "starting";

  constructor(shards: WatchedShards) {
    this.#shards = shards;
  }

  /** All shards have read their journals, and all ports are open. */
  started(): void {
    if (this.#state === "starting") this.#state = "running";
  }

  stopping(): void {
    this.#state = "stopping";
  }

  /** Why it is not ready; undefined: it is. */
  get hindrance(): string | undefined {
    if (this.#state === "starting") return STARTING;
    if (this.#state === "stopping") return STOPPING;
    for (let shard = 0; shard < this.#shards.count; shard++) {
      if (this.#shards.isUp(shard)) continue;
      return this.#shards.isGivenUp(shard)
        ? `shard ${shard} is down: see the log, and restart the broker`
        : `shard ${shard} starts again: it reads its journal`;
    }
    return undefined;
  }
}
