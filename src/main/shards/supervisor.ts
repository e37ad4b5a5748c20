/**
 * Keeps a thread running for each shard. A thread that dies is replaced: the new one gets fresh rings and reads the
 * journal again. Unanswered requests get an error that says so; other shards are not affected. A shard that keeps dying,
 * or whose journal cannot be used, is given up.
 */
import { setTimeout as delay } from "node:timers/promises";
import { EnvelopeOp } from "../../channel/envelope.js";
import { SHARD_METRICS_BYTES } from "../../metrics/shard-metrics.js";
import { SharedValuesReader } from "../../metrics/shared-values.js";
import { Durability } from "../../protocol/op.js";
import { VERSION } from "../../protocol/version.js";
import type { Recovered } from "../../workers/shard-messages.js";
import { ID_CLOCK_BYTES, type JournalData, type ShardThreadData } from "../../workers/shard-thread-data.js";
import type { BrokerOptions } from "../options.js";
import { shardSettings } from "../shard-settings.js";
import type { JobPool } from "./job-pool.js";
import { ShardLife } from "./shard-life.js";
import type { Outlet, ShardLink } from "./shard-link.js";
import type { DownKind, LossKind } from "./shard-loss.js";
import { StartError } from "./start-error.js";
import { Watchdog } from "./watchdog.js";

/** After more deaths than this within the time, a restart will not help. */
const MAX_DEATHS = 5;
const DEATHS_WITHIN = 60_000;

/** The same for threads that got stuck: time for starts and replays, beside the time that it takes to notice. */
const HANGS_WITHIN = 600_000;

/** How long a stuck thread may take to terminate. One in a system call may never do so. */
const END_GRACE = 10_000;
const REPORT = "restart the broker, and report what the log says it was at";

/** The longest time that setTimeout accepts, 24.8 days: it takes a longer one for a millisecond. */
const MAX_TIMER = 2 ** 31 - 1;

/** How long threads that are terminated at a stop may take. One in a system call may never end. */
const CUT_OFF_GRACE = 1_000;
const CUT_OFF = "a shard has not finished in time and is cut off: what was not confirmed may be lost";

const THREAD = new URL("../../workers/shard-thread.bundle.js", import.meta.url);

export interface SupervisorSeams {
  /** The file that runs as a shard's thread. */
  readonly thread?: URL;
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number;
  /** Below this size journals are not verified in the pool. */
  readonly minVerifiedBytes?: number;
}

/** The journals by shard, as far as they differ. Empty: durability `memory`. */
export type Journals = readonly Omit<JournalData, "level" | "segmentBytes" | "diskReserve">[];

/** Told of the lives of shards, once all have started. */
export interface ShardEvents {
  /** A thread has ended. The next life, if there is one, has its link by then. */
  lost(shard: number, kind: LossKind): void;
  /** The next life takes requests. `messages` that it has; undefined: it has no journal. */
  back(shard: number, messages: number | undefined): void;
}

interface Start {
  readonly resolve: (recovered: Recovered | undefined) => void;
  readonly reject: (error: Error) => void;
  readonly replayed: (shard: number, bytes: number) => void;
}

export class Supervisor {
  /** By shard; undefined: the shard is down, or has ended because all must stop. */
  readonly links: (ShardLink | undefined)[] = [];
  /** By shard: why there is no link. */
  readonly down: (LossKind | undefined)[] = [];
  /** By shard: threads that were started in the place of one that had ended. */
  readonly restarts: number[] = [];
  /** By shard: what its threads publish, one after the other. */
  readonly #metrics: SharedArrayBuffer[] = [];
  readonly metrics: SharedValuesReader[] = [];
  readonly #options: BrokerOptions;
  readonly #pool: Pick<JobPool, "run">;
  readonly #outlet: Outlet;
  readonly #events: ShardEvents;
  readonly #thread: URL;
  readonly #now: () => number;
  readonly #idClock = new SharedArrayBuffer(ID_CLOCK_BYTES);
  readonly #lives: (ShardLife | undefined)[] = [];
  /** By shard: when its threads died. */
  readonly #deaths: number[][] = [];
  /** By shard: when its threads got stuck. */
  readonly #hangs: number[][] = [];
  #journals: Journals = [];
  /** By shard, while the broker starts. */
  readonly #starts = new Map<number, Start>();
  readonly #watchdog: Watchdog;
  #isStopping = false;
  /** Shards that did not end in order. */
  readonly #disorderly = new Set<number>();

  constructor(
    options: BrokerOptions,
    pool: Pick<JobPool, "run">,
    outlet: Outlet,
    events: ShardEvents,
    seams: SupervisorSeams = {},
  ) {
    this.#options = options;
    this.#pool = pool;
    this.#outlet = outlet;
    this.#events = events;
    this.#thread = seams.thread ?? THREAD;
    this.#now = seams.now ?? (() => performance.now());
    for (let shard = 0; shard < options.shards; shard++) {
      this.#deaths.push([]);
      this.#hangs.push([]);
      this.restarts.push(0);
      const memory = new SharedArrayBuffer(SHARD_METRICS_BYTES);
      this.#metrics.push(memory);
      this.metrics.push(new SharedValuesReader(memory));
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

  /** All threads were told to stop. */
  get isStopping(): boolean {
    return this.#isStopping;
  }

  /**
   * Starts all threads. Resolves when each has read its journal and takes commands. `replayed` is called with the bytes
   * that they have read together.
   *
   * @throws StartError when one cannot start. Others may run by then and must be stopped.
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
   * Lets the threads finish their requests. Those that have not ended after `timeout` milliseconds are terminated, and
   * abandoned if that does not end them either. Returns the shards that did not end in order, or were down before.
   */
  async stop(timeout: number): Promise<number[]> {
    this.#isStopping = true;
    this.#watchdog.stop();
    for (const [shard, kind] of this.down.entries()) if (kind !== undefined) this.#disorderly.add(shard);
    for (const link of this.links) link?.tell(EnvelopeOp.STOP, 0);
    const over = new AbortController();
    const ended = Promise.all(this.#lives.map((life) => life?.ended)).then(() => over.abort());
    const sleep = (milliseconds: number): Promise<void> => delay(Math.min(milliseconds, MAX_TIMER), undefined, over);
    await Promise.race([ended, this.#cutOff(timeout, sleep)]);
    return [...this.#disorderly].sort((a, b) => a - b);
  }

  /** Terminates the threads after `timeout`. Resolves when they should have ended. */
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
      // All have ended before.
    }
  }

  /** A thread has not ended. */
  get isAlive(): boolean {
    return this.#lives.some((life) => life !== undefined);
  }

  /** It has read its journal and takes requests. */
  isUp(shard: number): boolean {
    return this.links[shard] !== undefined && this.#lives[shard]?.isReady === true;
  }

  /** It will not come back by itself. */
  isGivenUp(shard: number): boolean {
    const kind = this.down[shard];
    return kind !== undefined && kind !== "SHARD_RESTARTED";
  }

  /** How many there are. */
  get count(): number {
    return this.links.length;
  }

  /** The present life of a shard; undefined: it is down. */
  life(shard: number): ShardLife | undefined {
    return this.#lives[shard];
  }

  /** Ends a shard's thread as a crash would. For tests. */
  async kill(shard: number): Promise<void> {
    const life = this.#lives[shard];
    life?.terminate();
    await life?.ended;
  }

  /** Terminates the threads that still read their journals. */
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

  /** Answers clients at once, because a stuck thread may not end soon. The next life begins when it has. */
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
    this.#events.lost(shard, "SHARD_RESTARTED");
    setTimeout(() => {
      if (life === undefined || this.#lives[shard] !== life || this.#isStopping) return;
      this.#giveUp(shard, "SHARD_DOWN", `the thread of a shard does not end, and the shard is given up: ${REPORT}`, 1);
    }, END_GRACE).unref();
  }

  #threadData(shard: number, isFirst: boolean): Omit<ShardThreadData, "inbox" | "outbox" | "pulse"> {
    const options = this.#options;
    const journal = this.#journals[shard];
    return {
      version: VERSION,
      shard,
      shards: options.shards,
      isFirst,
      node: options.node,
      idClock: this.#idClock,
      metrics: this.#metrics[shard] as SharedArrayBuffer,
      metricsTopics: options.metricsTopics,
      journal: journal && {
        ...journal,
        // What an earlier life has written was not verified.
        verified: isFirst ? journal.verified : [],
        level: Durability[options.durability],
        segmentBytes: options.segmentBytes,
        diskReserve: options.diskReserve,
      },
      ...shardSettings(options, options.shards),
    };
  }

  #ready(shard: number, recovered: Recovered | undefined): void {
    const { log } = this.#options;
    if (recovered?.cut !== undefined) {
      log.warn({ shard, ...recovered.cut }, "the torn end of the journal, which was never confirmed, is cut off");
    }
    const start = this.#starts.get(shard);
    this.#starts.delete(shard);
    if (start !== undefined) return start.resolve(recovered);
    log.info({ shard, messages: recovered?.messages }, "a shard runs again");
    this.#events.back(shard, recovered?.messages);
  }

  #end(shard: number, life: ShardLife, code: number): void {
    this.links[shard] = undefined;
    this.#lives[shard] = undefined;
    const start = this.#starts.get(shard);
    this.#starts.delete(shard);
    if (start !== undefined) return start.reject(startError(shard, life, code));
    if (this.#isStopping) {
      if (code !== 0 || life.refusal !== undefined) this.#disorderly.add(shard);
      return;
    }
    const { log } = this.#options;
    if (life.refusal !== undefined) {
      return this.#giveUp(shard, life.refusal.kind, `a shard is given up: ${life.refusal.text}`, code);
    }
    // It was given up while its thread was still ending.
    if (this.down[shard] !== undefined && this.down[shard] !== "SHARD_RESTARTED") return;
    const deaths = since(this.#deaths[shard], this.#now(), DEATHS_WITHIN);
    this.#deaths[shard] = deaths;
    if (deaths.length > MAX_DEATHS) {
      const text = `shard died ${deaths.length} times within a minute and is given up: restart the broker`;
      return this.#giveUp(shard, "SHARD_DOWN", text, code);
    }
    log.warn({ shard, code }, this.#afterDeath(shard));
    this.restarts[shard] = (this.restarts[shard] ?? 0) + 1;
    this.#begin(shard, life);
    this.#events.lost(shard, "SHARD_RESTARTED");
  }

  #giveUp(shard: number, kind: DownKind, text: string, code: number): void {
    this.down[shard] = kind;
    this.#options.log.error({ shard, code }, text);
    this.#events.lost(shard, kind);
  }

  #afterDeath(shard: number): string {
    return this.#journals[shard] === undefined
      ? "a shard's thread died: its messages in memory are lost, and it is started again"
      : "a shard's thread died: it is started again and reads its journal";
  }
}

/** The times that are less than `within` ago, and now. */
const since = (times: readonly number[] = [], now: number, within: number): number[] => [
  ...times.filter((time) => now - time < within),
  now,
];

const startError = (shard: number, life: ShardLife, code: number): StartError =>
  new StartError(
    life.refusal?.text ??
      `shard ${shard} cannot start: its thread ended with exit code ${code}; the log above tells why`,
  );
