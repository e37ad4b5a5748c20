/**
 * A shard's access to the pool. A shard's thread sleeps on its inbox and runs no event loop. So the main thread posts an
 * answer to its port and a NOTICE to its inbox, and on the NOTICE the pump calls `drain`.
 */
import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import type { Job, JobName, JobOutcome } from "./jobs/job.js";
import type { ShardMessage, ThreadMessage } from "./shard-messages.js";

/** Jobs of a shard at a time. A journal asks for a few, such as a spare and a compaction: more are a bug. */
export const MAX_JOBS = 16;

type Done = (outcome: JobOutcome) => void;

export class JobPort {
  readonly #port: MessagePort;
  readonly #asked = new Map<number, Done>();
  #last = 0;

  constructor(port: MessagePort) {
    this.#port = port;
  }

  /** Jobs without an outcome yet. */
  get pending(): number {
    return this.#asked.size;
  }

  /** Hands a job to the pool. A later `drain` calls `done`, unless the shard ends before. */
  ask<N extends JobName>(job: Job & { readonly job: N }, done: (outcome: JobOutcome<N>) => void): void {
    if (this.#asked.size >= MAX_JOBS) throw new Error(`job port: ${MAX_JOBS} jobs are under way`);
    this.#last++;
    const id = this.#last;
    // The pool answers with a result of the job's kind.
    this.#asked.set(id, done as Done);
    this.#port.postMessage({ kind: "job", id, job } satisfies ShardMessage);
  }

  /** Passes on the outcomes that have come. Other messages go to `others`. */
  drain(others: (message: Exclude<ThreadMessage, { readonly kind: "job done" }>) => void): void {
    for (let said = receiveMessageOnPort(this.#port); said !== undefined; said = receiveMessageOnPort(this.#port)) {
      const message = said.message as ThreadMessage;
      if (message.kind !== "job done") {
        others(message);
        continue;
      }
      const { id, outcome } = message;
      const done = this.#asked.get(id);
      if (done === undefined) throw new Error(`job port: an answer to job ${id}, which nobody has asked for`);
      this.#asked.delete(id);
      done(outcome);
    }
  }
}
