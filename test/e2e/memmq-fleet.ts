/** Servers of memmq that are killed and started again behind proxies, and what goes through them. */
import { EventEmitter, once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { MemmqClient } from "../../src/memmq-client/index.js";
import { testDirectory } from "./brokers.js";
import { portOf } from "./memmq-servers.js";
import { freePort, type Running, Shell } from "./shell.js";

// Of the build, whose client it is that throws it.
const { PublishError } = (await import(
  "../../dist/memmq-client/index.js" as string
)) as typeof import("../../src/memmq-client/index.js");

/** A server, always at the same address and in the same directory. */
export class FleetServer {
  readonly #shell: Shell;
  #running: Running | undefined;

  private constructor(
    readonly port: number,
    readonly flags: string,
  ) {
    this.#shell = new Shell(testDirectory());
  }

  static async start(flags: string): Promise<FleetServer> {
    const server = new FleetServer(await freePort(), flags);
    await server.start();
    return server;
  }

  get url(): string {
    return `https://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    this.#running = this.#shell.program(`memmq --address=127.0.0.1:${this.port} ${this.flags}`);
    await portOf(this.#running);
  }

  async kill(): Promise<void> {
    const { child } = this.#running ?? {};
    if (child === undefined) return;
    child.kill("SIGKILL");
    await once(child, "close");
  }
}

const PROBE = "probe ";

/** Between the publishes of a topic: servers are to have some of the processor to start with. Milliseconds. */
const PAUSE = 5;

/** A topic with a publisher that never rests and a subscriber, each with clients of their own. */
export class Traffic {
  sent = 0;
  confirmed = 0;
  refused = 0;
  doubles = 0;
  /** What publishes were refused with, and how often. */
  readonly codes = new Map<string, number>();
  readonly #confirmed: number[] = [];
  readonly #heard = new Map<string, number>();
  /** Numbers whose fate a killed server has taken with it, which keeps nothing. */
  readonly #exempt: [from: number, to: number][] = [];
  /** Those confirmed before it are heard, or may be lost. */
  #settled = 0;
  #isOver = false;
  #publishing: Promise<void> | undefined;
  readonly #events = new EventEmitter();

  constructor(
    readonly topic: string,
    readonly publisher: MemmqClient,
    readonly subscriber: MemmqClient,
    /** Whether it may be refused now. */
    readonly mayRefuse: () => boolean,
  ) {}

  async begin(): Promise<void> {
    const subscription = this.subscriber.subscribe(this.topic);
    void (async () => {
      for await (const { payload } of subscription) this.#hear(Buffer.from(payload).toString());
    })();
    await subscription.ready;
    this.#publishing = this.#publish();
  }

  /** No more is published. */
  async rest(): Promise<void> {
    this.#isOver = true;
    await this.#publishing;
  }

  /** Resolves when so many more publishes have been confirmed. */
  async isConfirmed(more: number): Promise<void> {
    const wanted = this.confirmed + more;
    await this.#until(() => this.confirmed >= wanted);
  }

  /** Resolves when one more publish has been refused. */
  async isRefused(): Promise<void> {
    const before = this.refused;
    await this.#until(() => this.refused > before);
  }

  /** Resolves when what one server alone is told is heard here. */
  async isHeardFrom(server: MemmqClient, name: string): Promise<void> {
    const probe = `${PROBE}${name}`;
    while (!this.#heard.has(probe)) await server.publish(this.topic, probe);
  }

  /** Resolves when all that was confirmed and may not be lost is heard. */
  async isComplete(): Promise<void> {
    await this.#until(() => this.missing.length === 0);
  }

  /** What is on its way from now on until the answer is called may be lost. */
  losing(): () => void {
    while (this.#settled < this.#confirmed.length && !this.#isMissing(this.#confirmed[this.#settled] ?? 0))
      this.#settled++;
    const from = this.#confirmed[this.#settled] ?? this.sent - 1;
    return () => void this.#exempt.push([from, this.sent]);
  }

  /** Confirmed messages that were not heard and may not be lost. */
  get missing(): number[] {
    return this.#confirmed.filter((number) => this.#isMissing(number));
  }

  /** What was heard and never sent. */
  get invented(): string[] {
    return [...this.#heard.keys()].filter((text) => !text.startsWith(PROBE) && !(Number(text) < this.sent));
  }

  #isMissing(number: number): boolean {
    if (this.#heard.has(String(number))) return false;
    return !this.#exempt.some(([from, to]) => number >= from && number < to);
  }

  #hear(text: string): void {
    const times = (this.#heard.get(text) ?? 0) + 1;
    this.#heard.set(text, times);
    if (times > 1) this.doubles++;
    this.#events.emit("change");
  }

  async #publish(): Promise<void> {
    while (!this.#isOver) {
      const number = this.sent++;
      const mightRefuse = this.mayRefuse();
      try {
        await this.publisher.publish(this.topic, String(number));
        this.#confirmed.push(number);
        this.confirmed++;
      } catch (error) {
        // The test has ended.
        if (!(error instanceof PublishError)) return;
        const { failures } = error;
        const { code = "" } = (failures[0]?.error ?? {}) as { code?: string };
        const word = mightRefuse || this.mayRefuse() ? code : `${code}, while its servers lived`;
        this.codes.set(word, (this.codes.get(word) ?? 0) + 1);
        this.refused++;
      }
      this.#events.emit("change");
      await delay(PAUSE);
    }
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await once(this.#events, "change");
  }
}
