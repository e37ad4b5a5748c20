/**
 * Keeps one thread for each shard. A thread that dies is replaced on fresh rings; what was asked of it is answered with
 * an error that tells to ask again, and no other shard notices. A shard that keeps dying is given up.
 */
import { Worker } from "node:worker_threads";
import { EnvelopeOp } from "../channel/envelope.js";
import { allocateRing } from "../channel/ring.js";
import { maxOutboxRecordBytes, type ShardThreadData } from "../workers/shard-thread-data.js";
import type { BrokerOptions } from "./options.js";
import { type Outlet, ShardLink } from "./shard-link.js";

/** More deaths than this within the time, and a restart will not help. */
const MOST_DEATHS = 5;
const DEATHS_WITHIN = 60_000;

/** One 64-bit word: the last millisecond that some shard has numbered messages in. */
const ID_CLOCK_BYTES = 8;

const THREAD = new URL("../workers/shard-thread.js", import.meta.url);

/**
 * Threads inherit the flags of the process. Under `--input-type` none would start, for theirs is a file; and flags that
 * are named here instead are refused if they concern the whole process, so that then there are none.
 */
const inheritedFlags = (): { readonly execArgv?: string[] } =>
  process.execArgv.some((flag) => flag.startsWith("--input-type")) ? { execArgv: [] } : {};

type LossKind = "SHARD_RESTARTED" | "SHARD_DOWN";

interface Life {
  readonly worker: Worker;
  readonly link: ShardLink;
  /** Resolves when the thread has ended and everything that follows from it is done. */
  readonly ended: Promise<void>;
}

export interface SupervisorSeams {
  /** What runs as a shard's thread. */
  readonly thread?: URL;
  /** Milliseconds of a clock that does not step. */
  readonly now?: () => number;
}

export class Supervisor {
  /** By shard; undefined: it was given up, or has ended because all are to stop. */
  readonly links: (ShardLink | undefined)[] = [];
  readonly #options: BrokerOptions;
  readonly #outlet: Outlet;
  readonly #lost: (shard: number, kind: LossKind) => void;
  readonly #thread: URL;
  readonly #now: () => number;
  readonly #idClock = new SharedArrayBuffer(ID_CLOCK_BYTES);
  readonly #lives: (Life | undefined)[] = [];
  /** By shard: when its threads died. */
  readonly #deaths: number[][] = [];
  #isStopping = false;

  /** `lost` is told after a shard's thread has died, when its next life, if it has one, has a link. */
  constructor(
    options: BrokerOptions,
    outlet: Outlet,
    lost: (shard: number, kind: LossKind) => void,
    seams: SupervisorSeams = {},
  ) {
    this.#options = options;
    this.#outlet = outlet;
    this.#lost = lost;
    this.#thread = seams.thread ?? THREAD;
    this.#now = seams.now ?? (() => performance.now());
    for (let shard = 0; shard < options.shards; shard++) {
      this.#deaths.push([]);
      this.links.push(undefined);
      this.#lives.push(undefined);
    }
  }

  /** All are to stop: those that end do so because they are told to. */
  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** Starts all threads; resolves when they run. */
  async start(): Promise<void> {
    await Promise.all(this.links.map((_, shard) => this.#begin(shard)));
  }

  /** Lets the threads finish what is before them; those that have not after `timeout` milliseconds are cut off. */
  async stop(timeout: number): Promise<void> {
    this.#isStopping = true;
    for (const link of this.links) link?.tell(EnvelopeOp.STOP, 0);
    const timer = setTimeout(() => {
      this.#options.log.error({ timeout }, "a shard has not finished in time and is cut off");
      for (const life of this.#lives) void life?.worker.terminate();
    }, timeout);
    await Promise.all(this.#lives.map((life) => life?.ended));
    clearTimeout(timer);
  }

  /** Ends a shard's thread as a crash would: a seam for tests. */
  async kill(shard: number): Promise<void> {
    const life = this.#lives[shard];
    await life?.worker.terminate();
    await life?.ended;
  }

  /** A new life of a shard. Resolves when its thread runs, or has died already. */
  #begin(shard: number): Promise<void> {
    const { ringBytes, maxFrameBytes, log } = this.#options;
    const memory = { inbox: allocateRing(ringBytes), outbox: allocateRing(ringBytes) };
    const worker = new Worker(this.#thread, {
      workerData: this.#threadData(shard, memory),
      name: `shard ${shard}`,
      ...inheritedFlags(),
    });
    const link = new ShardLink(shard, memory, maxOutboxRecordBytes(maxFrameBytes), this.#outlet, (error) => {
      log.error({ shard, error }, "what a shard sends makes no sense; it is restarted");
      void worker.terminate();
    });
    worker.on("error", (error) => log.error({ shard, error }, "a shard failed"));
    const ended = new Promise<void>((resolve) => {
      worker.once("exit", (code) => {
        this.#end(shard, link, code);
        resolve();
      });
    });
    this.links[shard] = link;
    this.#lives[shard] = { worker, link, ended };
    const isRunning = new Promise<void>((resolve) => worker.once("online", resolve));
    return Promise.race([isRunning, ended]);
  }

  #threadData(shard: number, memory: Pick<ShardThreadData, "inbox" | "outbox">): ShardThreadData {
    const options = this.#options;
    return {
      ...memory,
      shard,
      shards: options.shards,
      node: options.node,
      idClock: this.#idClock,
      memoryBytes: Math.floor(options.memory / options.shards),
      limits: {
        maxMessageBytes: options.maxMessageBytes,
        maxFrameBytes: options.maxFrameBytes,
        maxBatchMessages: options.maxBatchMessages,
        maxNameBytes: options.maxNameBytes,
        maxTopics: options.maxTopics,
        maxQueues: options.maxQueues,
        maxConsumers: options.maxConsumers,
      },
    };
  }

  #end(shard: number, link: ShardLink, code: number): void {
    // What it has answered is in the ring and counts.
    link.close();
    this.links[shard] = undefined;
    this.#lives[shard] = undefined;
    if (this.#isStopping) return;

    const { log } = this.#options;
    const now = this.#now();
    const deaths = (this.#deaths[shard] ?? []).filter((time) => now - time < DEATHS_WITHIN);
    deaths.push(now);
    this.#deaths[shard] = deaths;
    if (deaths.length > MOST_DEATHS) {
      log.error(
        { shard, code },
        `shard died ${deaths.length} times within a minute and is given up: restart the broker`,
      );
      this.#lost(shard, "SHARD_DOWN");
      return;
    }
    log.warn({ shard, code }, "a shard's thread died: its messages in memory are lost, and it is started again");
    void this.#begin(shard);
    this.#lost(shard, "SHARD_RESTARTED");
  }
}
