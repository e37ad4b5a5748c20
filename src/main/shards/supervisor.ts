/**
 * Keeps one thread for each shard. A thread that dies is replaced on fresh rings and reads its journal again; what was
 * asked of it is answered with an error that tells to ask again, and no other shard notices. A shard that keeps dying,
 * or cannot read its journal, is given up.
 */
import { setTimeout as delay } from "node:timers/promises";
import { EnvelopeOp } from "../../channel/envelope.js";
import { Durability } from "../../protocol/op.js";
import type { Recovered } from "../../workers/shard-messages.js";
import type { JournalData, ShardThreadData } from "../../workers/shard-thread-data.js";
import type { BrokerOptions } from "../options.js";
import type { JobPool } from "./job-pool.js";
import { ShardLife } from "./shard-life.js";
import type { Outlet, ShardLink } from "./shard-link.js";
import type { DownKind, LossKind } from "./shard-loss.js";
import { StartError } from "./start-error.js";
import { Watchdog } from "./watchdog.js";

/** More deaths than this within the time, and a restart will not help. */
const MAX_DEATHS = 5;
const DEATHS_WITHIN = 60_000;

/** The same of threads that got stuck, beside the time that it takes to see it: for starts, and for reading journals. */
const HANGS_WITHIN = 600_000;

/** How long a thread that was told to end while it was stuck may take: one in a call of the system may not do so at all. */
const END_GRACE = 10_000;
const REPORT = "restart the broker, and report what the log says it was at";

/** What setTimeout takes at most, 24.8 days: it would take what is longer for a millisecond. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** One 64-bit word: the last millisecond that some shard has numbered messages in. */
const ID_CLOCK_BYTES = 8;

/** How long threads that were cut off may take to end: one that is in a call of the system may not do so at all. */
const CUT_OFF_GRACE = 1_000;
const CUT_OFF = "a shard has not finished in time and is cut off: what was not confirmed may be lost";

const THREAD = new URL("../../workers/shard-thread.js", import.meta.url);

export interface SupervisorSeams {
  /** What runs as a shard's thread. */
  readonly thread?: URL;
  /** Milliseconds of a clock that does not step. */
  readonly now?: () => number;
  /** Journals of fewer bytes are not verified in the pool. */
  readonly leastVerifiedBytes?: number;
}

/** Where shards keep their logs: what each is given, by shard. None: durability `memory`. */
export type Journals = readonly Omit<JournalData, "level" | "segmentBytes" | "diskReserve">[];

interface Start {
  readonly resolve: (recovered: Recovered | undefined) => void;
  readonly reject: (error: Error) => void;
  readonly replayed: (shard: number, bytes: number) => void;
}

export class Supervisor {
  /** By shard; undefined: it was given up, or has ended because all are to stop. */
  readonly links: (ShardLink | undefined)[] = [];
  /** By shard, where there is no link: why. */
  readonly down: (LossKind | undefined)[] = [];
  readonly #options: BrokerOptions;
  readonly #pool: Pick<JobPool, "run">;
  readonly #outlet: Outlet;
  readonly #lost: (shard: number, kind: LossKind) => void;
  readonly #thread: URL;
  readonly #now: () => number;
  readonly #idClock = new SharedArrayBuffer(ID_CLOCK_BYTES);
  readonly #lives: (ShardLife | undefined)[] = [];
  /** By shard: when its threads died. */
  readonly #deaths: number[][] = [];
  /** By shard: when its threads got stuck, which takes longer to be seen than a death. */
  readonly #hangs: number[][] = [];
  #journals: Journals = [];
  /** By shard, while the broker starts. */
  readonly #starts = new Map<number, Start>();
  readonly #watchdog: Watchdog;
  #isStopping = false;
  /** Shards that have not ended as they were told to. */
  readonly #disorderly = new Set<number>();

  /** `lost` is told after a shard's thread has died, when its next life, if it has one, has a link. */
  constructor(
    options: BrokerOptions,
    pool: Pick<JobPool, "run">,
    outlet: Outlet,
    lost: (shard: number, kind: LossKind) => void,
    seams: SupervisorSeams = {},
  ) {
    this.#options = options;
    this.#pool = pool;
    this.#outlet = outlet;
    this.#lost = lost;
    this.#thread = seams.thread ?? THREAD;
    this.#now = seams.now ?? (() => performance.now());
    for (let shard = 0; shard < options.shards; shard++) {
      this.#deaths.push([]);
      this.#hangs.push([]);
      this.links.push(undefined);
      this.#lives.push(undefined);
    }
    const { log } = options;
    this.#watchdog = new Watchdog({
      timeout: options.shardTimeout,
      lives: this.#lives,
      stuck: (shard, doing) => this.#stuck(shard, doing),
      waits: (shard, doing) => log.warn({ shard, doing }, "a shard has not got on for a while"),
      goesOn: (shard, milliseconds) => log.info({ shard, milliseconds }, "a shard gets on again"),
    });
  }

  /** All are to stop: those that end do so because they are told to. */
  get isStopping(): boolean {
    return this.#isStopping;
  }

  /**
   * Starts all threads; resolves when each has read its journal and takes commands. `replayed` is told how many bytes
   * they have read together.
   *
   * @throws StartError when one cannot start; the others may be starting then, and are to be stopped.
   */
  async start(journals: Journals, replayed: (bytes: number) => void): Promise<(Recovered | undefined)[]> {
    this.#journals = journals;
    this.#watchdog.start();
    const bytes = new Array<number>(this.links.length).fill(0);
    const note = (shard: number, done: number): void => {
      bytes[shard] = done;
      replayed(bytes.reduce((total, each) => total + each, 0));
    };
    const starts = this.links.map(
      (_, shard) =>
        new Promise<Recovered | undefined>((resolve, reject) => {
          this.#starts.set(shard, { resolve, reject, replayed: note });
          this.#begin(shard, undefined);
        }),
    );
    try {
      return await Promise.all(starts);
    } catch (error) {
      await Promise.allSettled([...this.#cutOffStarting(), ...starts]);
      throw error;
    }
  }

  /**
   * Lets the threads finish what is before them; those that have not after `timeout` milliseconds are cut off, and left
   * behind if not even that ends them. Answers the shards that have not ended in order.
   */
  async stop(timeout: number): Promise<number[]> {
    this.#isStopping = true;
    this.#watchdog.stop();
    for (const link of this.links) link?.tell(EnvelopeOp.STOP, 0);
    const over = new AbortController();
    const ended = Promise.all(this.#lives.map((life) => life?.ended)).then(() => over.abort());
    const sleep = (milliseconds: number): Promise<void> =>
      delay(Math.min(milliseconds, LONGEST_TIMER), undefined, over);
    await Promise.race([ended, this.#cutOff(timeout, sleep)]);
    return [...this.#disorderly].sort((a, b) => a - b);
  }

  /** Resolves when threads that were cut off should have ended. */
  async #cutOff(timeout: number, sleep: (milliseconds: number) => Promise<void>): Promise<void> {
    try {
      await sleep(timeout);
      for (const [shard, life] of this.#lives.entries()) {
        if (life === undefined) continue;
        this.#options.log.error({ shard, timeout, doing: life.pulse.doing }, CUT_OFF);
        this.#disorderly.add(shard);
        life.terminate();
      }
      await sleep(CUT_OFF_GRACE);
    } catch {
      // They have ended before.
    }
  }

  /** Some thread has not ended. */
  get isAlive(): boolean {
    return this.#lives.some((life) => life !== undefined);
  }

  /** The present life of a shard; undefined: it is given up. */
  life(shard: number): ShardLife | undefined {
    return this.#lives[shard];
  }

  /** Ends a shard's thread as a crash would: a seam for tests. */
  async kill(shard: number): Promise<void> {
    const life = this.#lives[shard];
    life?.terminate();
    await life?.ended;
  }

  /** The threads that still read their journals: what they would come to is not wanted any more. */
  *#cutOffStarting(): Generator<Promise<void>> {
    for (const life of this.#lives) {
      if (life === undefined || life.isReady) continue;
      life.terminate();
      yield life.ended;
    }
  }

  #begin(shard: number, before: ShardLife | undefined): void {
    const { ringBytes, maxFrameBytes, log } = this.#options;
    const life = new ShardLife(
      {
        shard,
        thread: this.#thread,
        ringBytes,
        maxFrameBytes,
        log,
        pool: this.#pool,
        outlet: this.#outlet,
        data: this.#threadData(shard, before === undefined),
        replayed: (bytes) => this.#starts.get(shard)?.replayed(shard, bytes),
        ready: (recovered) => this.#ready(shard, recovered),
        ended: (ended, code) => this.#end(shard, ended, code),
      },
      before,
    );
    this.links[shard] = life.link;
    this.down[shard] = undefined;
    this.#lives[shard] = life;
  }

  /** Its clients are answered at once: how soon such a thread ends is not known. Its next life begins when it has. */
  #stuck(shard: number, doing: string): void {
    const { log, shardTimeout } = this.#options;
    log.error({ shard, doing, timeout: shardTimeout }, "a shard has not got on for too long: its thread is ended");
    const life = this.#lives[shard];
    life?.abandon();
    this.links[shard] = undefined;
    const hangs = since(this.#hangs[shard], this.#now(), HANGS_WITHIN + 3 * MAX_DEATHS * shardTimeout);
    this.#hangs[shard] = hangs;
    if (hangs.length > MAX_DEATHS) {
      return this.#giveUp(shard, "SHARD_DOWN", `a shard got stuck ${hangs.length} times and is given up: ${REPORT}`, 1);
    }
    this.down[shard] = "SHARD_RESTARTED";
    this.#lost(shard, "SHARD_RESTARTED");
    setTimeout(() => {
      if (life === undefined || this.#lives[shard] !== life || this.#isStopping) return;
      this.#giveUp(shard, "SHARD_DOWN", `the thread of a shard does not end, and the shard is given up: ${REPORT}`, 1);
    }, END_GRACE).unref();
  }

  #threadData(shard: number, isFirst: boolean): Omit<ShardThreadData, "inbox" | "outbox" | "pulse"> {
    const options = this.#options;
    const journal = this.#journals[shard];
    return {
      shard,
      shards: options.shards,
      isFirst,
      node: options.node,
      idClock: this.#idClock,
      journal: journal && {
        ...journal,
        // Of a life before this one nobody has checked what it wrote.
        verified: isFirst ? journal.verified : [],
        level: Durability[options.durability],
        segmentBytes: options.segmentBytes,
        diskReserve: options.diskReserve,
      },
      memoryBytes: Math.floor(options.memory / options.shards),
      limits: {
        maxMessageBytes: options.maxMessageBytes,
        maxFrameBytes: options.maxFrameBytes,
        maxBatchMessages: options.maxBatchMessages,
        maxNameBytes: options.maxNameBytes,
        maxTopics: options.maxTopics,
        maxQueues: options.maxQueues,
        maxConsumers: options.maxConsumers,
        maxTopicsPerConnection: options.maxTopicsPerConnection,
        maxConsumersPerConnection: options.maxConsumersPerConnection,
        topicIdle: options.topicIdle,
      },
    };
  }

  #ready(shard: number, recovered: Recovered | undefined): void {
    const { log } = this.#options;
    if (recovered?.cut !== undefined) {
      log.warn({ shard, ...recovered.cut }, "the torn end of the journal, which was never confirmed, is cut off");
    }
    const start = this.#starts.get(shard);
    this.#starts.delete(shard);
    if (start !== undefined) start.resolve(recovered);
    else log.info({ shard, messages: recovered?.messages }, "a shard runs again");
  }

  #end(shard: number, life: ShardLife, code: number): void {
    this.links[shard] = undefined;
    this.#lives[shard] = undefined;
    const start = this.#starts.get(shard);
    this.#starts.delete(shard);
    if (start !== undefined) return start.reject(startError(shard, life, code));
    if (this.#isStopping) {
      if (code !== 0) this.#disorderly.add(shard);
      return;
    }
    const { log } = this.#options;
    if (life.refusal !== undefined) {
      return this.#giveUp(shard, "JOURNAL_FAILED", `a shard is given up: ${life.refusal}`, code);
    }
    // It was given up before its thread had ended.
    if (this.down[shard] !== undefined && this.down[shard] !== "SHARD_RESTARTED") return;
    const deaths = since(this.#deaths[shard], this.#now(), DEATHS_WITHIN);
    this.#deaths[shard] = deaths;
    if (deaths.length > MAX_DEATHS) {
      const text = `shard died ${deaths.length} times within a minute and is given up: restart the broker`;
      return this.#giveUp(shard, "SHARD_DOWN", text, code);
    }
    log.warn({ shard, code }, this.#afterDeath(shard));
    this.#begin(shard, life);
    this.#lost(shard, "SHARD_RESTARTED");
  }

  #giveUp(shard: number, kind: DownKind, text: string, code: number): void {
    this.down[shard] = kind;
    this.#options.log.error({ shard, code }, text);
    this.#lost(shard, kind);
  }

  #afterDeath(shard: number): string {
    return this.#journals[shard] === undefined
      ? "a shard's thread died: its messages in memory are lost, and it is started again"
      : "a shard's thread died: it is started again and reads its journal";
  }
}

/** The times that are not longer ago than `within`, and now. */
const since = (times: readonly number[] = [], now: number, within: number): number[] => [
  ...times.filter((time) => now - time < within),
  now,
];

const startError = (shard: number, life: ShardLife, code: number): StartError =>
  new StartError(
    life.refusal ?? `shard ${shard} cannot start: its thread ended with exit code ${code}; the log above tells why`,
  );
