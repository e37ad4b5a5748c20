/**
 * The lease thread, as workers see it: one for all workers of this process, there as long as one of them needs it. It needs
 * Node and is loaded only when a program works.
 */
import { emitWarning, execArgv } from "node:process";
import { Worker } from "node:worker_threads";
import { deferred, unobserved } from "../base/deferred.js";
import type { LeaseThreads, ThreadHandle, ThreadUser } from "./leases.js";
import type { LeaseOrder, LeaseReport } from "./thread/thread-messages.js";

const FILE = new URL("./thread/lease-thread-main.js", import.meta.url);

/** A thread inherits the flags of its process, and those who run text instead of a file would keep it from starting. */
const flags = (): { readonly execArgv?: string[] } =>
  execArgv.some((flag) => flag.startsWith("--input-type")) ? { execArgv: [] } : {};

class LeaseThread {
  readonly #thread: Worker;
  readonly #users = new Map<number, ThreadUser>();
  readonly #ended: (failure: unknown) => void;
  readonly #ready = deferred<void>();
  #failure: unknown;
  #lastUser = 0;

  /** `ended` is called when it has ended, however. */
  constructor(ended: (thread: LeaseThread, users: readonly ThreadUser[], failure: unknown) => void) {
    this.#thread = new Worker(FILE, { name: "ringmq leases", ...flags() });
    this.#thread.on("message", (report: LeaseReport) => this.#hear(report));
    this.#thread.on("error", (error) => {
      this.#failure = error;
    });
    this.#thread.once("exit", (code) => this.#ended(this.#failure ?? new Error(`it ended with code ${code}`)));
    this.#ended = (failure) => {
      this.#ready.resolve();
      const users = [...this.#users.values()];
      this.#users.clear();
      ended(this, users, failure);
    };
    this.#thread.unref();
  }

  get isUsed(): boolean {
    return this.#users.size > 0;
  }

  add(user: ThreadUser): ThreadHandle {
    const worker = ++this.#lastUser;
    this.#users.set(worker, user);
    this.#order({ kind: "begin", worker, memory: user.memory, timeout: user.timeout });
    return {
      ready: this.#ready.promise,
      addLine: (line, target, topic, queue, ttr) =>
        this.#order({ kind: "line", worker, line, target, topic, queue, ttr }),
      removeLine: (line) => this.#order({ kind: "line-ended", worker, line }),
      watch: () => this.#order({ kind: "watch", worker }),
      end: () => this.#remove(worker),
    };
  }

  async #remove(worker: number): Promise<void> {
    if (!this.#users.delete(worker)) return;
    this.#order({ kind: "end", worker });
    if (!this.isUsed) await this.#thread.terminate();
  }

  #order(order: LeaseOrder): void {
    this.#thread.postMessage(order);
  }

  #hear(report: LeaseReport): void {
    switch (report.kind) {
      case "time?":
        return this.#order({ kind: "time", now: performance.now() });
      case "ready":
        return this.#ready.resolve();
      case "ask":
        return this.#order({ kind: "turned" });
      case "refused": {
        const user = this.#users.get(report.worker);
        unobserved(this.#remove(report.worker));
        return user?.threadFailed();
      }
      case "lost":
        return this.#users.get(report.worker)?.lost(report.row, report.ticket, report.code);
    }
  }
}

let current: LeaseThread | undefined;
/** It has failed once: it would again. */
let hasFailed = false;

const ended = (thread: LeaseThread, users: readonly ThreadUser[], failure: unknown): void => {
  if (current === thread) current = undefined;
  if (users.length === 0) return;
  fail(failure);
  for (const user of users) user.threadFailed();
};

/** Said once. */
const fail = (failure: unknown): void => {
  if (hasFailed) return;
  hasFailed = true;
  const reason = failure instanceof Error ? failure.message : String(failure);
  emitWarning(
    "the leases of messages in hand are kept by a timer, which a handler that blocks the event loop holds up",
    {
      type: "RingmqWarning",
      code: "RINGMQ_NO_LEASE_THREAD",
      detail: `the thread that keeps them has failed: ${reason}`,
    },
  );
};

/** The thread, or undefined where there can be none. */
export const leaseThreads: LeaseThreads = (user) => {
  if (hasFailed) return undefined;
  try {
    if (current?.isUsed !== true) current = new LeaseThread(ended);
    return current.add(user);
  } catch (error) {
    fail(error);
    return undefined;
  }
};
