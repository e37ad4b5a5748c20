/** What keeps messages: the threads of the shards, the data directory, the pool for jobs. Started and stopped in order. */
import { Backups } from "./data/backup.js";
import { Data } from "./data/data.js";
import type { BrokerOptions } from "./options.js";
import { JobPool } from "./shards/job-pool.js";
import type { Outlet } from "./shards/shard-link.js";
import type { LossKind } from "./shards/shard-loss.js";
import { startShards } from "./shards/start-up.js";
import { Supervisor, type SupervisorSeams } from "./shards/supervisor.js";

export class Engine {
  readonly supervisor: Supervisor;
  readonly pool: JobPool;
  readonly backups: Backups;
  readonly #options: BrokerOptions;
  readonly #seams: SupervisorSeams;
  /** Undefined: nothing is on disk. */
  #data: Data | undefined;

  /** `outlet` takes what shards send; `lost` is told when one has lost what it knew of connections. */
  constructor(
    options: BrokerOptions,
    outlet: Outlet,
    lost: (shard: number, kind: LossKind) => void,
    seams: SupervisorSeams,
  ) {
    this.#options = options;
    this.#seams = seams;
    this.pool = new JobPool(options.log);
    this.supervisor = new Supervisor(options, this.pool, outlet, lost, seams);
    this.backups = new Backups(options, this.supervisor, this.pool);
  }

  /**
   * Locks the data directory, then starts the shards.
   *
   * @throws StartError when the data directory or a journal in it cannot be used.
   */
  async start(): Promise<void> {
    const { data, durability, log } = this.#options;
    if (durability !== "memory") {
      log.info({ data, durability }, "messages are kept in the data directory");
      this.#data = await Data.open(this.#options, this.pool);
    }
    await startShards(this.#options, this.supervisor, this.pool, this.#data, this.#seams.minVerifiedBytes);
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
