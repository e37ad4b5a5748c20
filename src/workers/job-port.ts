/**
 * A shard's way to the pool. The thread of a shard sleeps on its inbox and has no turns of an event loop: an answer is
 * put into its port and a NOTICE into its inbox, and at the NOTICE the pump lets it look.
 */
import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import type { Job, JobName, JobOutcome } from "./jobs/job.js";
import type { ShardMessage, ThreadMessage } from "./shard-messages.js";

/** Jobs of a shard at a time. A journal asks for a spare and a compaction; more than this is a bug of its. */
export const MAX_JOBS = 16;

type Done = (outcome: JobOutcome) => void;

export class JobPort {
  readonly #port: MessagePort;
  readonly #asked = new Map<number, Done>();
  #last = 0;

  constructor(port: MessagePort) {
    this.#port = port;
  }

  /** Jobs whose outcome has not been told. */
  get pending(): number {
    return this.#asked.size;
  }

  /** Hands a job to the pool; `done` is called out of a later `drain`, or never if the shard ends first. */
  ask<N extends JobName>(job: Job & { readonly job: N }, done: (outcome: JobOutcome<N>) => void): void {
    if (this.#asked.size >= MAX_JOBS) throw new Error(`job port: ${MAX_JOBS} jobs are under way`);
    this.#last++;
    const id = this.#last;
    // The pool answers a job with the result of its kind.
    this.#asked.set(id, done as Done);
    this.#port.postMessage({ kind: "job", id, job } satisfies ShardMessage);
  }

  /** Tells the outcomes that have come. What is no outcome goes to `others`. */
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
