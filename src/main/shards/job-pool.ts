/**
 * The pool: threads for slow work on files, for all shards and for the start of the broker. They start with the first job
 * and end when idle.
 */
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { Piscina } from "piscina";
import { describeError, type Job, type JobError, type JobName, type JobOutcome } from "../../workers/jobs/job.js";
import type { Log } from "../log.js";
import { descriptorFault } from "./descriptors.js";
import { inheritedFlags } from "./inherited-flags.js";

const ENTRY = new URL("../../workers/jobs/entry.cjs", import.meta.url);

/** Milliseconds until an idle thread ends. A start and a burst of spares use it again before. */
const IDLE_TIMEOUT = 10_000;

/** The most jobs that wait: all that the ports of as many shards as there can be let through. */
const MAX_WAITING = 4_096;

/** The most threads. */
export const POOL_THREADS = Math.max(1, availableParallelism());

/** A thread that could not read its own files says so only in the text. */
const withCode = (error: unknown): JobError => {
  const described = describeError(error);
  const code = descriptorFault(described.message);
  return code === undefined ? described : { ...described, code };
};

export class JobPool {
  readonly threads = POOL_THREADS;
  #piscina: Piscina | undefined;
  #isClosed = false;
  /** Why no thread could be started; undefined again after the next successful job. */
  #fault: JobError | undefined;

  constructor(readonly log: Log) {}

  /** Never rejects: a job that cannot be carried out has a failed outcome. */
  async run<N extends JobName>(job: Job & { readonly job: N }): Promise<JobOutcome<N>> {
    if (this.#isClosed) return { ok: false, error: { name: "Error", message: "the pool is closed" } };
    this.#piscina ??= this.#start();
    const piscina = this.#piscina;
    try {
      const outcome = (await piscina.run(job)) as JobOutcome<N>;
      this.#fault = undefined;
      return outcome;
    } catch (error) {
      if (piscina !== this.#piscina && this.#fault !== undefined) return { ok: false, error: this.#fault };
      // The thread died, or `close` has ended it.
      return { ok: false, error: withCode(error) };
    }
  }

  #start(): Piscina {
    const piscina = new Piscina({
      filename: fileURLToPath(ENTRY),
      minThreads: 0,
      maxThreads: this.threads,
      idleTimeout: IDLE_TIMEOUT,
      maxQueue: MAX_WAITING,
      ...inheritedFlags(),
    });
    piscina.on("error", (error: unknown) => this.#threadFailed(piscina, error));
    return piscina;
  }

  /**
   * A thread failed while it had no job. If no thread could be started, mostly for want of descriptors, the queued jobs
   * would wait for ever: they fail, and the next job starts a new pool.
   */
  #threadFailed(piscina: Piscina, error: unknown): void {
    if (this.#fault === undefined) this.log.error({ error }, "a thread of the pool failed");
    this.#fault = withCode(error);
    setImmediate(() => {
      if (this.#isClosed || piscina !== this.#piscina || piscina.threads.length > 0) return;
      this.#piscina = undefined;
      piscina.destroy().catch((reason: unknown) => this.log.error({ error: reason }, "a pool could not be ended"));
    });
  }

  /** Ends the threads. A job that is cut off leaves only a file that is not in use. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#piscina?.destroy();
  }
}
