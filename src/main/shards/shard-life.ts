/**
 * One life of a shard: a thread, the main thread's ends of its rings, and its jobs in the pool.
 *
 * ```
 *   WAITING ── jobs of the life before are done ──▶ STARTING ── ready ──▶ RUNNING ── exit ──▶ ENDED
 *                                                      └── refuses, exit ────────────────────▲
 * ```
 */
import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { EnvelopeOp } from "../../channel/envelope.js";
import { allocateRing } from "../../channel/ring.js";
import type { TopicRows } from "../../metrics/topic-metrics.js";
import type { Job } from "../../workers/jobs/job.js";
import { PULSE_BYTES, PulseReader } from "../../workers/pulse.js";
import type { PinnedSegment, Recovered, ShardMessage, ThreadMessage } from "../../workers/shard-messages.js";
import { maxOutboxRecordBytes, type ShardThreadData } from "../../workers/shard-thread-data.js";
import type { Log } from "../log.js";
import { descriptorFault } from "./descriptors.js";
import { inheritedFlags } from "./inherited-flags.js";
import type { JobPool } from "./job-pool.js";
import { RingLink } from "./ring-link.js";
import type { Outlet } from "./shard-link.js";
import type { DownKind } from "./shard-loss.js";

/** Milliseconds to the next attempt when a thread found no descriptors. */
const START_PAUSE = 250;

export interface LifeOptions {
  readonly shard: number;
  readonly thread: URL;
  readonly ringBytes: number;
  readonly maxFrameBytes: number;
  readonly pool: Pick<JobPool, "run">;
  readonly outlet: Outlet;
  readonly log: Log;
  /** What the thread is started with, beside its rings. */
  readonly data: Omit<ShardThreadData, "inbox" | "outbox" | "pulse">;
  /** Called with the bytes of the journal that the thread has replayed so far. */
  readonly replayed: (bytes: number) => void;
  /** Called when it takes commands. */
  readonly ready: (recovered: Recovered | undefined) => void;
  /** Called when the thread has ended and its answers have been read. */
  readonly ended: (life: ShardLife, code: number) => void;
}

/** Why neither a life nor another one can start, in words that tell what to do. */
interface Refusal {
  readonly kind: DownKind;
  readonly text: string;
}

export class ShardLife {
  readonly link: RingLink;
  /** Resolves when the thread has ended and `ended` of the options was called. Never rejects. */
  readonly ended: Promise<void>;
  readonly pulse: PulseReader;
  /** What it has told of single topics last; undefined: nothing. */
  topics: TopicRows | undefined;
  readonly #options: LifeOptions;
  readonly #pulseMemory = new SharedArrayBuffer(PULSE_BYTES);
  readonly #rings: Pick<ShardThreadData, "inbox" | "outbox">;
  readonly #jobs = new Set<Promise<void>>();
  /** Resolves when no job of an earlier life can touch the shard's files any more. */
  readonly #filesFree: Promise<void> | undefined;
  #worker: Worker | undefined;
  #isTerminated = false;
  /** The last thread ended for want of descriptors before it was ready; and so did one before, which was logged. */
  #isStarved = false;
  #hasStarved = false;
  #stopWaiting = (): void => {};
  #isReady = false;
  #pinned: (segments: readonly PinnedSegment[] | undefined) => void = () => {};
  #refusal: Refusal | undefined;

  /** Queues commands at once. The thread starts when the jobs of the life before it are done. */
  constructor(options: LifeOptions, before: ShardLife | undefined) {
    const { shard, ringBytes, maxFrameBytes, outlet, log } = options;
    this.#options = options;
    this.pulse = new PulseReader(this.#pulseMemory);
    this.#rings = { inbox: allocateRing(ringBytes), outbox: allocateRing(ringBytes) };
    this.link = new RingLink(shard, this.#rings, maxOutboxRecordBytes(maxFrameBytes), outlet, (error) => {
      log.error({ shard, error }, "what a shard sends makes no sense; it is restarted");
      this.terminate();
    });
    this.#filesFree = before === undefined ? undefined : before.#jobsDone();
    this.ended = this.#live();
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  // For the watchdog.

  get isRunning(): boolean {
    return this.#worker !== undefined && !this.#isTerminated;
  }

  get isStarting(): boolean {
    return this.#options.data.isFirst && !this.#isReady;
  }

  get isIdle(): boolean {
    return this.link.isRead;
  }

  /** Why neither it nor another life can start. */
  get refusal(): Refusal | undefined {
    return this.#refusal;
  }

  /**
   * Has it seal its journal and leave those files alone until `unpin`. Undefined: the journal cannot do that now, or the
   * thread has ended.
   */
  async pin(): Promise<readonly PinnedSegment[] | undefined> {
    if (!this.#isReady) return undefined;
    const pinned = new Promise<readonly PinnedSegment[] | undefined>((resolve) => {
      this.#pinned = resolve;
    });
    this.#say({ kind: "pin" });
    return await Promise.race([pinned, this.ended.then(() => undefined)]);
  }

  unpin(): void {
    this.#say({ kind: "unpin" });
  }

  #say(message: ThreadMessage): void {
    this.#worker?.postMessage(message);
    this.link.tell(EnvelopeOp.NOTICE, 0);
  }

  /** Terminates the thread. */
  terminate(): void {
    const { shard, log } = this.#options;
    this.#isTerminated = true;
    this.#stopWaiting();
    this.#worker?.terminate().catch((error: unknown) => {
      log.error({ shard, error }, "the thread of a shard cannot be ended");
    });
  }

  /** As `terminate`, for a thread that may not end soon: its answers so far are read, and nothing after that. */
  abandon(): void {
    this.terminate();
    this.link.close();
  }

  async #live(): Promise<void> {
    const { log, shard } = this.#options;
    let code = 1;
    try {
      if (this.#filesFree !== undefined) await Promise.race([this.#filesFree, this.#terminated()]);
      if (!this.#isTerminated) code = await this.#runThread();
      // A thread that was never ready has not died, and a next life would not do better: try again.
      while (this.#isStarved && !this.#options.data.isFirst && !this.#isTerminated) {
        await Promise.race([delay(START_PAUSE), this.#terminated()]);
        if (!this.#isTerminated) code = await this.#runThread();
      }
    } catch (error) {
      log.error({ shard, error }, "the thread of a shard cannot be started");
    }
    try {
      // Reads the answers that are left in the ring.
      this.link.close();
      this.#options.ended(this, code);
    } catch (error) {
      log.error({ shard, error }, "what follows from the end of a shard's thread failed");
    }
  }

  #terminated(): Promise<void> {
    return new Promise((resolve) => {
      this.#stopWaiting = resolve;
    });
  }

  #runThread(): Promise<number> {
    const { log, shard, thread, data } = this.#options;
    const worker = new Worker(thread, {
      workerData: { ...data, ...this.#rings, pulse: this.#pulseMemory } satisfies ShardThreadData,
      name: `shard ${shard}`,
      ...inheritedFlags(),
    });
    this.#worker = worker;
    this.#isStarved = false;
    worker.on("message", (message: ShardMessage) => this.#hear(message));
    worker.on("error", (error: Error) => {
      this.#isStarved = !this.#isReady && descriptorFault(error.message) !== undefined;
      if (!this.#hasStarved) log.error({ shard, error }, "a shard failed");
      this.#hasStarved = this.#isStarved;
    });
    return new Promise((resolve) => worker.once("exit", resolve));
  }

  #hear(message: ShardMessage): void {
    const { shard, log, replayed, ready } = this.#options;
    switch (message.kind) {
      case "replayed":
        return replayed(message.bytes);
      case "ready":
        // It was terminated meanwhile, so that its end is no death.
        if (this.#isTerminated) return;
        this.#isReady = true;
        return ready(message.recovered);
      case "refuses":
        this.#refusal = { kind: message.isOfJournal ? "JOURNAL_FAILED" : "SHARD_DOWN", text: message.text };
        return;
      case "log":
        return log[message.level]({ shard, ...message.fields }, message.text);
      case "topics":
        this.topics = message.rows;
        return;
      case "pinned":
        return this.#pinned(message.segments);
      case "job":
        this.#begin(message.id, message.job);
    }
  }

  #begin(id: number, job: Job): void {
    const { shard, log, pool } = this.#options;
    const work = pool
      .run(job)
      .then((outcome) => {
        this.#jobs.delete(work);
        // If the thread has ended, nobody reads this.
        this.#say({ kind: "job done", id, outcome });
      })
      .catch((error: unknown) => {
        log.error({ shard, error }, "a shard cannot be told what came of its job; it is restarted");
        this.terminate();
      });
    this.#jobs.add(work);
  }

  async #jobsDone(): Promise<void> {
    await this.#filesFree;
    await Promise.all(this.#jobs);
  }
}
