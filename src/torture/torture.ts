/**
 * Kills a broker over and over while clients use it, then compares what it has with what it has promised.
 *
 * SIGKILL leaves everything that was written in the system's cache. So this finds what is confirmed too early,
 * recovered wrongly or in the wrong order, but not what a power cut would do.
 */
import { setTimeout as delay } from "node:timers/promises";
import { RingmqError } from "../client/base/error.js";
import type { Client } from "../client/client.js";
import { connect } from "../client/connect.js";
import { BrokerProcess, type Exit } from "./broker-process.js";
import { ChannelLedger } from "./channel-ledger.js";
import { CHANNELS, follow, prepareChannels, publishToChannel, readChannel } from "./channels.js";
import { ONE_CONNECTION, TortureContext } from "./context.js";
import { handleDead } from "./dead-letters.js";
import { assertEmpty, drain } from "./drain.js";
import { type Finding, Findings } from "./findings.js";
import { Ledger, type Order } from "./ledger.js";
import { isOrdered, PLAN } from "./plan.js";
import { publish } from "./publisher.js";
import { Random } from "./random.js";
import { consume, type Place, pop } from "./readers.js";

export interface TortureOptions {
  /** The broker's data directory, empty or missing. */
  readonly data: string;
  /** Milliseconds of killing. */
  readonly time: number;
  /** Number of kills, even if they take longer. Undefined: one about every 4 s while there is time. */
  readonly kills?: number | undefined;
  readonly seed: number;
  /** Messages to publish per second. */
  readonly rate: number;
  /** More flags of `ringmq serve`. */
  readonly serve: readonly string[];
  /** Ends the killing early; the result so far is judged. */
  readonly signal?: AbortSignal | undefined;
  /** Receives what the broker writes to standard error. */
  readonly onBrokerOutput: (text: string) => void;
  /** Called a few times a second. */
  readonly onProgress: (progress: TortureProgress) => void;
  /** A seam for tests: called between a kill and the next start. */
  readonly whileDown?: (() => Promise<void>) | undefined;
}

export interface TortureProgress {
  readonly phase: "killing" | "reading" | "starting again";
  readonly elapsed: number;
  readonly kills: number;
  readonly published: number;
  readonly confirmed: number;
  readonly delivered: number;
  readonly acked: number;
  readonly findings: number;
}

export interface TortureResult extends TortureProgress {
  readonly refused: number;
  /** Messages of auto-ack topics that may be missing. */
  readonly unseen: number;
  /** Messages of kept channels that were confirmed, and how many of them readers got. */
  readonly kept: { readonly confirmed: number; readonly heard: number };
  /** Errors that clients got, with counts. */
  readonly errors: ReadonlyMap<string, number>;
  readonly found: readonly Finding[];
}

const PUBLISHERS = 3;

/** Publishers, and followers, of each channel. */
const CHANNEL_ACTORS = 2;

/** Mean life of a broker in milliseconds, unless the number of kills is given. */
const MEAN_LIFE = 4_000;
const MIN_LIFE = 50;

/**
 * A life goes on until its clients have had so many confirms, however slow the machine is: one in which they have hardly
 * begun shows nothing. Some are short all the same.
 */
const LIFE_CONFIRMS = 250;
const SHORT_LIVES = 0.2;
const LONGEST_LIFE = 10_000;
const LOOK_EVERY = 20;

/** One kill in this many comes before the broker listens, during recovery. */
const EARLY_KILLS = 0.1;

/** Milliseconds within which a broker must start, or stop. */
const START_TIMEOUT = 120_000;
const STOP_TIMEOUT = 60_000;

const DRAIN_TIMEOUT = 60_000;

const PROGRESS_EVERY = 250;

/** Thrown when there is no broker to continue with. The finding is recorded already. */
class NoBroker extends Error {}

/** The broker refuses its flags; the message is its own. */
export class FlagsError extends Error {
  override readonly name = "FlagsError";
}

/** Exit code of a broker with wrong flags. */
const USAGE = 2;

class Torture {
  readonly findings = new Findings();
  readonly ledger: Ledger;
  readonly context: TortureContext;
  readonly places: readonly Place[];
  readonly channels: readonly ChannelLedger[];
  kills = 0;
  phase: TortureProgress["phase"] = "killing";
  readonly #begun = performance.now();
  readonly #random: Random;
  /** Milliseconds of the last start, to time early kills. */
  #startTook = 500;
  #broker: BrokerProcess | undefined;

  constructor(readonly options: TortureOptions) {
    this.#random = new Random(options.seed);
    this.ledger = new Ledger(this.#random.word(), PLAN, this.findings);
    this.channels = CHANNELS.map((name) => new ChannelLedger(this.ledger.run, name, this.findings));
    this.context = new TortureContext(this.ledger, options.rate);
    this.places = PLAN.flatMap((plan, topic) => plan.queues.map((bindKey, queue) => ({ topic, queue, plan, bindKey })));
  }

  async run(): Promise<void> {
    const progress = setInterval(() => this.options.onProgress(this.progress()), PROGRESS_EVERY);
    try {
      await this.#inTurn();
    } catch (error) {
      if (!(error instanceof NoBroker)) throw error;
    } finally {
      clearInterval(progress);
      this.context.stop();
      this.#broker?.kill();
      await this.#broker?.exited;
    }
  }

  progress(): TortureProgress {
    const { published, confirmed, delivered, acked } = this.ledger;
    const elapsed = performance.now() - this.#begun;
    const findings = this.findings.total;
    return { phase: this.phase, elapsed, kills: this.kills, published, confirmed, delivered, acked, findings };
  }

  result(): TortureResult {
    const { refused } = this.ledger;
    const { unseen, errors } = this.context;
    const kept = { confirmed: 0, heard: 0 };
    for (const { confirmed, heard } of this.channels) {
      kept.confirmed += confirmed;
      kept.heard += heard;
    }
    return { ...this.progress(), refused, unseen, kept, errors, found: this.findings.list() };
  }

  async #inTurn(): Promise<void> {
    const first = await this.#start();
    await this.#with(first, prepare);
    this.context.up(first);
    const actors = Promise.all(this.#actors());
    // Until the context stops, actors end only through a bug of this program.
    await Promise.race([this.#killing(), actors]);
    this.context.stop();
    await actors;
    this.phase = "reading";
    await this.#with(await this.#restart(), async (client) => {
      await drain(client, this.ledger, this.places, DRAIN_TIMEOUT);
      for (const channel of this.channels) await readChannel(client, channel, DRAIN_TIMEOUT);
    });
    this.ledger.finish(this.context.unseen);
    this.phase = "starting again";
    await this.#stop();
    await this.#with(await this.#start(), (client) => assertEmpty(client, this.findings));
    await this.#stop();
  }

  #actors(): Promise<void>[] {
    const { context } = this;
    const actors: Promise<void>[] = [];
    for (let i = 0; i < PUBLISHERS; i++) actors.push(publish(context, this.#random.fork()));
    for (const place of this.places) {
      const { plan } = place;
      const order: Order | undefined = isOrdered(plan) ? { last: 0n } : undefined;
      for (let i = 0; i < plan.consumers; i++) actors.push(consume(context, this.#random.fork(), place, order));
      for (let i = 0; i < plan.poppers; i++) actors.push(pop(context, this.#random.fork(), place));
      if (!plan.autoAck) actors.push(handleDead(context, this.#random.fork(), place));
    }
    for (const channel of this.channels) {
      for (let i = 0; i < CHANNEL_ACTORS; i++) {
        actors.push(publishToChannel(context, this.#random.fork(), channel, i));
        actors.push(follow(context, this.#random.fork(), channel));
      }
    }
    return actors;
  }

  /** Kills and restarts the broker until that was done often enough. Leaves it running. */
  async #killing(): Promise<void> {
    const { time, kills, signal } = this.options;
    const end = this.#begun + time;
    while (signal?.aborted !== true) {
      const left = end - performance.now();
      const killsLeft = kills === undefined ? Math.ceil(left / MEAN_LIFE) : kills - this.kills;
      if (killsLeft <= 0 && left <= 0) return;
      const mean = Math.max(MIN_LIFE, left / Math.max(1, killsLeft) - this.#startTook);
      await this.#live(killsLeft <= 0 ? left : mean * (0.1 + 1.8 * this.#random.fraction()));
      if (killsLeft <= 0) return;
      this.context.down();
      this.context.up(await this.#restart());
    }
  }

  /** Lets the broker run for a time, in which it must not end by itself. */
  async #live(time: number): Promise<void> {
    const { signal } = this.options;
    const enough = new AbortController();
    const stopped = (): void => enough.abort();
    signal?.addEventListener("abort", stopped);
    const exit = await Promise.race([this.#enough(time, enough.signal), this.#broker?.exited]);
    enough.abort();
    signal?.removeEventListener("abort", stopped);
    if (exit !== undefined) this.#broken("it ended by itself", exit);
  }

  /** Resolves when a life has lasted for a time and has had its confirms, or the signal is given. */
  async #enough(time: number, signal: AbortSignal): Promise<undefined> {
    const begin = performance.now();
    const wanted = this.ledger.confirmed + (this.#random.chance(SHORT_LIVES) ? 0 : LIFE_CONFIRMS);
    const pause = (length: number): Promise<void> => delay(length, undefined, { signal }).catch(() => undefined);
    await pause(time);
    while (this.ledger.confirmed < wanted && !signal.aborted && performance.now() - begin < LONGEST_LIFE) {
      await pause(LOOK_EVERY);
    }
    return undefined;
  }

  /** Kills the broker and starts another, which may be killed before it listens. Returns its address. */
  async #restart(): Promise<string> {
    await this.#kill();
    while (this.#random.chance(EARLY_KILLS)) {
      const broker = this.#spawn();
      await Promise.race([delay(this.#startTook * this.#random.fraction()), broker.exited]);
      await this.#kill();
    }
    return await this.#start();
  }

  async #kill(): Promise<void> {
    this.#broker?.kill();
    const exit = await this.#broker?.exited;
    if (exit?.signal !== "SIGKILL") this.#broken("it ended by itself", exit);
    this.kills++;
    await this.options.whileDown?.();
  }

  async #start(): Promise<string> {
    const begin = performance.now();
    const broker = this.#spawn();
    const late = new AbortController();
    const timeout = delay(START_TIMEOUT, undefined, { signal: late.signal }).catch(() => undefined);
    const address = await Promise.race([broker.ready, broker.exited, timeout]);
    late.abort();
    if (typeof address !== "string") {
      // Later starts have the same flags, so failing then is the broker's fault.
      if (address?.code === USAGE && this.kills === 0) throw new FlagsError(broker.said.trim());
      this.#broken("it did not start", address);
    }
    this.#startTook = performance.now() - begin;
    this.ledger.deaths = this.kills;
    return address;
  }

  async #stop(): Promise<void> {
    this.#broker?.stop();
    const late = new AbortController();
    const timeout = delay(STOP_TIMEOUT, undefined, { signal: late.signal }).catch(() => undefined);
    const exit = await Promise.race([this.#broker?.exited, timeout]);
    late.abort();
    if (exit?.code !== 0) this.#broken("it did not stop in order", exit);
  }

  #spawn(): BrokerProcess {
    const { data, serve, onBrokerOutput } = this.options;
    this.#broker = new BrokerProcess(["--data", data, ...serve], onBrokerOutput);
    return this.#broker;
  }

  #broken(what: string, exit: Exit | undefined): never {
    const how = exit === undefined ? "" : ` (${exit.signal ?? `exit code ${exit.code}`})`;
    const said = (this.#broker?.said ?? "").trim().split("\n").slice(-3).join("\n");
    this.findings.add("broker", `${what}${how}: ${said === "" ? "it said nothing" : said}`);
    throw new NoBroker();
  }

  async #with(address: string, work: (client: Client) => Promise<void>): Promise<void> {
    const client = await connect(address, ONE_CONNECTION);
    try {
      const exit = await Promise.race([work(client), this.#broker?.exited]);
      if (exit !== undefined) this.#broken("it ended by itself", exit);
    } catch (error) {
      // Nobody kills it now, so it has no reason to refuse anything.
      if (error instanceof RingmqError) this.#broken(`it answered ${error.code} (${error.message})`, undefined);
      throw error;
    } finally {
      await client.close();
    }
  }
}

/** Creates the topics and queues of the plan, and the channels. */
const prepare = async (client: Client): Promise<void> => {
  await prepareChannels(client);
  for (const { name, config, queues } of PLAN) {
    await client.configure(name, config);
    for (const queue of queues) if (queue !== "default") await client.declareQueue(name, queue);
  }
};

/**
 * Runs a torture. Faults of the broker are in the result; any other exception is a bug of this program.
 *
 * @throws FlagsError when the broker does not take the flags of `serve`.
 */
export const torture = async (options: TortureOptions): Promise<TortureResult> => {
  const run = new Torture(options);
  await run.run();
  return run.result();
};
