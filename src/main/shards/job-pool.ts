/**
 * The pool: threads for slow work on files, for all shards and for the start. They come with the first job and go when
 * there is nothing to do.
 */
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { Piscina } from "piscina";
import { describeError, type Job, type JobError, type JobName, type JobOutcome } from "../../workers/jobs/job.js";
import type { Log } from "../log.js";
import { descriptorFault } from "./descriptors.js";
import { inheritedFlags } from "./inherited-flags.js";

const ENTRY = new URL("../../workers/jobs/entry.cjs", import.meta.url);

/** An idle thread goes after so many milliseconds: a start and a burst of spares use it again before. */
const IDLE_TIMEOUT = 10_000;

/** Jobs that wait: those of all shards there can be, each with as many as its port lets it ask for. */
const MAX_WAITING = 4_096;

/** At most. */
export const POOL_THREADS = Math.max(1, availableParallelism());

export class JobPool {
  readonly threads = POOL_THREADS;
  #piscina: Piscina | undefined;
  #isClosed = false;
  /** Why no thread could be started, since the last job that was carried out. */
  #fault: JobError | undefined;

  constructor(readonly log: Log) {}

  /** Never rejects: a job that could not be carried out has the outcome that it failed. */
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
      // A thread that died, or one that was cut off by `close`.
      return { ok: false, error: describeError(error) };
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
   * A thread failed while it had no job; nobody else is told of it. One that could not be started, for want of descriptors
   * above all, leaves jobs in the queue that nobody would ever take: they have failed, and the next one starts anew.
   */
  #threadFailed(piscina: Piscina, error: unknown): void {
    if (this.#fault === undefined) this.log.error({ error }, "a thread of the pool failed");
    const fault = describeError(error);
    const code = descriptorFault(fault.message);
    this.#fault = code === undefined ? fault : { ...fault, code };
    setImmediate(() => {
      if (this.#isClosed || piscina !== this.#piscina || piscina.threads.length > 0) return;
      this.#piscina = undefined;
      piscina.destroy().catch((reason: unknown) => this.log.error({ error: reason }, "a pool could not be ended"));
    });
  }

  /** Cuts off what is under way: each job leaves only a file that does not count. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#piscina?.destroy();
  }
}
