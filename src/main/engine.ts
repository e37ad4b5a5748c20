/** What keeps messages: the threads of the shards, the data directory, the pool for jobs. Started and stopped in order. */
import { Backups } from "./data/backup.js";
import type { Data } from "./data/data.js";
import type { Foundation } from "./foundation.js";
import type { BrokerOptions } from "./options.js";
import type { JobPool } from "./shards/job-pool.js";
import type { Outlet } from "./shards/shard-link.js";
import { startShards } from "./shards/start-up.js";
import { type ShardEvents, Supervisor, type SupervisorSeams } from "./shards/supervisor.js";

export class Engine {
  readonly supervisor: Supervisor;
  readonly pool: JobPool;
  readonly backups: Backups;
  readonly #options: BrokerOptions;
  readonly #seams: SupervisorSeams;
  /** Undefined: nothing is on disk. */
  readonly #data: Data | undefined;

  /**
   * The foundation is the engine's, which closes it. `outlet` takes what shards send; `events` is told when one has
   * lost what it knew of connections.
   */
  constructor(
    options: BrokerOptions,
    { pool, data }: Pick<Foundation, "pool" | "data">,
    outlet: Outlet,
    events: ShardEvents,
    seams: SupervisorSeams,
  ) {
    this.#options = options;
    this.#seams = seams;
    this.pool = pool;
    this.#data = data;
    this.supervisor = new Supervisor(options, this.pool, outlet, events, seams);
    this.backups = new Backups(options, this.supervisor, this.pool);
  }

  /** Of the file system of the data directory; undefined: it is not known, or nothing is on disk. */
  get freeBytes(): number | undefined {
    return this.#data?.watch.freeBytes;
  }

  /** Starts the shards. StartError: a journal cannot be used. */
  start(): Promise<void> {
    return startShards(this.#options, this.supervisor, this.pool, this.#data, this.#seams.minVerifiedBytes);
  }

  /** Ends the shards; those that take longer than `timeout` milliseconds are cut off. Answers which did not end in order. */
  stop(timeout: number): Promise<number[]> {
    return this.supervisor.stop(timeout);
  }

  /** Ends the pool and unlocks the data directory. Shards have been stopped before. */
  async close(): Promise<void> {
    await this.pool.close();
    await this.backups.settled();
    // Nothing of this broker writes any more. If a thread is left behind the lock goes with the process.
    if (!this.supervisor.isAlive) this.#data?.close();
  }
}
