/** What a broker stands on before it has shards and ports: the pool for jobs, the data directory, its own certificate. */
import { Data } from "./data/data.js";
import type { BrokerOptions } from "./options.js";
import { SelfSigned } from "./ports/self-signed.js";
import { JobPool } from "./shards/job-pool.js";

export class Foundation {
  private constructor(
    readonly pool: JobPool,
    /** Locked. Undefined: nothing is on disk. */
    readonly data: Data | undefined,
    /** Undefined: no port is to have it. */
    readonly selfSigned: SelfSigned | undefined,
  ) {}

  /** @throws StartError when the data directory cannot be used; nothing is left behind. */
  static async lay(options: BrokerOptions): Promise<Foundation> {
    const { data: directory, durability, log } = options;
    const pool = new JobPool(log);
    let data: Data | undefined;
    try {
      if (durability !== "memory") {
        log.info({ data: directory, durability }, "messages are kept in the data directory");
        data = await Data.open(options, pool);
      }
      return new Foundation(pool, data, await SelfSigned.open({ options, pool }));
    } catch (error) {
      await pool.close();
      data?.close();
      throw error;
    }
  }
}
