/**
 * A broker is killed over and over while clients work with it; then what it has is compared with what it has promised.
 *
 * The process is ended with SIGKILL: what it had written is in the system's cache and survives, so that this finds what
 * is confirmed too early, recovered wrongly or in the wrong order. What a power cut does it cannot show.
 */
import { setTimeout as delay } from "node:timers/promises";
import { RingmqError } from "../client/base/error.js";
import type { Client } from "../client/client.js";
import { connect } from "../client/connect.js";
import { BrokerProcess, type Exit } from "./broker-process.js";
import { handleDead } from "./dead-letters.js";
import { assertEmpty, drain } from "./drain.js";
import { type Finding, Findings } from "./findings.js";
import { Ledger, type Order } from "./ledger.js";
import { isOrdered, PLAN } from "./plan.js";
import { publish } from "./publisher.js";
import { Random } from "./random.js";
import { consume, type Place, pop } from "./readers.js";
import { Site } from "./site.js";

export interface TortureOptions {
  /** The broker's data directory: empty, or not there. */
  readonly data: string;
  /** How long the killing goes on, milliseconds. */
  readonly time: number;
  /** Kills, even if that takes longer. Undefined: one about every 4 s, as long as there is time. */
  readonly kills?: number | undefined;
  readonly seed: number;
  /** Messages published, a second. */
  readonly rate: number;
  /** More flags of `ringmq serve`. */
  readonly serve: readonly string[];
  /** Ends the killing early; what there is by then is judged. */
  readonly signal?: AbortSignal | undefined;
  /** Gets what the broker writes to standard error. */
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
  /** How often clients were answered with each error. */
  readonly errors: ReadonlyMap<string, number>;
  readonly found: readonly Finding[];
}

const PUBLISHERS = 3;

/** The mean life of a broker when no number of kills is wanted. */
const MEAN_LIFE = 4_000;
const MIN_LIFE = 50;

/** One kill of so many comes before the broker listens: in the middle of its recovery. */
const EARLY_KILLS = 0.1;

/** A broker that says nothing for so long has not started; one that is told to stop may take so long. */
const START_TIMEOUT = 120_000;
const STOP_TIMEOUT = 60_000;

const DRAIN_TIMEOUT = 60_000;

const PROGRESS_EVERY = 250;

/** Thrown when there is no broker to go on with; it is among the findings already. */
class NoBroker extends Error {}

/** The broker does not take the flags that it was given. The message is what it said. */
export class FlagsError extends Error {
  override readonly name = "FlagsError";
}

/** With which a broker ends that was called in a wrong way. */
const USAGE = 2;

class Torture {
  readonly findings = new Findings();
  readonly ledger: Ledger;
  readonly site: Site;
  readonly places: readonly Place[];
  kills = 0;
  phase: TortureProgress["phase"] = "killing";
  readonly #begun = performance.now();
  readonly #random: Random;
  /** Time that the last start took, of which early kills take a part. */
  #startTook = 500;
  #broker: BrokerProcess | undefined;

  constructor(readonly options: TortureOptions) {
    this.#random = new Random(options.seed);
    this.ledger = new Ledger(this.#random.word(), PLAN, this.findings);
    this.site = new Site(this.ledger, options.rate);
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
      this.site.stop();
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
    const { unseen, errors } = this.site;
    return { ...this.progress(), refused, unseen, errors, found: this.findings.list() };
  }

  async #inTurn(): Promise<void> {
    const first = await this.#start();
    await this.#with(first, prepare);
    this.site.up(first);
    const actors = Promise.all(this.#actors());
    // Before the site stops the actors only end by a fault of this program.
    await Promise.race([this.#killing(), actors]);
    this.site.stop();
    await actors;
    this.phase = "reading";
    await this.#with(await this.#restart(), (client) => drain(client, this.ledger, this.places, DRAIN_TIMEOUT));
    this.ledger.finish(this.site.unseen);
    this.phase = "starting again";
    await this.#stop();
    await this.#with(await this.#start(), (client) => assertEmpty(client, this.findings));
    await this.#stop();
  }

  #actors(): Promise<void>[] {
    const { site } = this;
    const actors: Promise<void>[] = [];
    for (let i = 0; i < PUBLISHERS; i++) actors.push(publish(site, this.#random.fork()));
    for (const place of this.places) {
      const { plan } = place;
      const order: Order | undefined = isOrdered(plan) ? { last: 0n } : undefined;
      for (let i = 0; i < plan.consumers; i++) actors.push(consume(site, this.#random.fork(), place, order));
      for (let i = 0; i < plan.poppers; i++) actors.push(pop(site, this.#random.fork(), place));
      if (!plan.autoAck) actors.push(handleDead(site, this.#random.fork(), place));
    }
    return actors;
  }

  /** A broker runs; kills it and starts it until there has been enough of that. It runs at the end. */
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
      this.site.down();
      this.site.up(await this.#restart());
    }
  }

  /** Lets the broker live for so long. It must not end by itself. */
  async #live(time: number): Promise<void> {
    const { signal } = this.options;
    const enough = new AbortController();
    const stopped = (): void => enough.abort();
    signal?.addEventListener("abort", stopped);
    const timeout = delay(time, undefined, { signal: enough.signal }).catch(() => undefined);
    const exit = await Promise.race([timeout, this.#broker?.exited]);
    enough.abort();
    signal?.removeEventListener("abort", stopped);
    if (exit !== undefined) this.#broken("it ended by itself", exit);
  }

  /** Kills the broker and starts another, which may be killed before it listens. Answers where it listens. */
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
      // Later starts have the same flags: then it is a fault of the broker.
      if (address?.code === USAGE && this.kills === 0) throw new FlagsError(broker.said.trim());
      this.#broken("it did not start", address);
    }
    this.#startTook = performance.now() - begin;
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
    const client = await connect(address);
    try {
      const exit = await Promise.race([work(client), this.#broker?.exited]);
      if (exit !== undefined) this.#broken("it ended by itself", exit);
    } catch (error) {
      // Nobody kills it here: it has no reason to refuse anything.
      if (error instanceof RingmqError) this.#broken(`it answered ${error.code} (${error.message})`, undefined);
      throw error;
    } finally {
      await client.close();
    }
  }
}

/** Makes the topics and queues of the plan. */
const prepare = async (client: Client): Promise<void> => {
  for (const { name, config, queues } of PLAN) {
    await client.configure(name, config);
    for (const queue of queues) if (queue !== "default") await client.declareQueue(name, queue);
  }
};

/**
 * Runs a torture. What the broker does wrong is in the result; otherwise it throws only for what this program does wrong.
 *
 * @throws FlagsError when the broker does not take the flags of `serve`.
 */
export const torture = async (options: TortureOptions): Promise<TortureResult> => {
  const run = new Torture(options);
  await run.run();
  return run.result();
};
