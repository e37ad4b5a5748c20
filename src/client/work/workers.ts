/**
 * The workers of a client.
 */
import type { ConsumeOptions } from "../arguments/options.js";
import { unobserved } from "../base/deferred.js";
import { type MessageSource, QueueWorker } from "./queue-worker.js";
import { readWork, type WorkHandler, type WorkOptions } from "./work-options.js";

export class Workers {
  /** Those that have not ended. */
  readonly #workers = new Set<QueueWorker>();

  /** `hasThreads`: another thread can connect to the broker. */
  async start(
    topic: string,
    handler: WorkHandler,
    options: WorkOptions,
    consume: (options: ConsumeOptions) => Promise<MessageSource>,
    hasThreads: boolean,
  ): Promise<QueueWorker> {
    const worker = await QueueWorker.start(topic, readWork(handler, options), consume, hasThreads);
    this.#workers.add(worker);
    unobserved(worker.closed.then(() => this.#workers.delete(worker)));
    return worker;
  }

  /** Resolves when all of them are drained, or have failed to be. */
  async drain(): Promise<void> {
    await Promise.allSettled([...this.#workers].map((worker) => worker.drain()));
  }
}
