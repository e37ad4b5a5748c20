/** What `ringmq work` does. */
import { plainHeaders } from "../../client/base/inspection.js";
import { type Client, type Message, RingmqError } from "../../client/index.js";
import { stopOnSignals } from "../signals.js";
import { CommandRun, MAX_TIMER, notStarted, type Outcome, shortHeaders } from "./command-run.js";
import { EXIT } from "./exit-codes.js";
import { IdleTimer } from "./idle-timer.js";
import { say, writeJson } from "./output.js";
import type { WorkFlags } from "./work.js";

/** Renewals of a lease within its time: one may come late. */
const RENEWALS = 3;

const environmentOf = (topic: string, message: Message): Readonly<Record<string, string>> => ({
  RINGMQ_MESSAGE_ID: message.id,
  RINGMQ_MESSAGE_TOPIC: topic,
  RINGMQ_MESSAGE_KEY: message.routeKey,
  RINGMQ_MESSAGE_RETRY: String(message.retry),
  ...shortHeaders(
    "RINGMQ_MESSAGE_HEADERS",
    plainHeaders(() => message.headers),
  ),
});

export const work = async (
  client: Client,
  topic: string,
  command: readonly string[],
  flags: WorkFlags,
): Promise<void> => {
  const { queue, concurrency, idle, count = Number.POSITIVE_INFINITY } = flags;
  if (count === 0) return;
  const consumer = await client.consume(topic, { queue, prefetch: Math.min(concurrency, count) });
  const { ttr } = (await client.stats(topic)).config;
  const stop = (): void => void consumer.stop();
  const worker = new Worker(topic, command, ttr, flags, stop);
  stopOnSignals(() => worker.killAll()).addEventListener("abort", stop, { once: true });
  const timer = new IdleTimer(idle, stop);
  void terminateWhenLost(client, worker);
  let left = count;
  try {
    for await (const message of consumer) {
      timer.pause();
      worker.start(message);
      if (--left === 0 || worker.fault !== undefined) break;
      if (worker.running >= concurrency) await worker.oneEnds();
      if (worker.fault !== undefined) break;
      timer.restart();
    }
  } finally {
    timer.pause();
    await worker.allEnd();
  }
  if (worker.fault !== undefined) throw worker.fault;
  await client.drain();
  if (worker.failed > 0) process.exitCode = EXIT.failed;
};

/** What runs loses its lease with the connection. */
const terminateWhenLost = async (client: Client, worker: Worker): Promise<void> => {
  for await (const { type } of client.status()) {
    if (type === "disconnected" || type === "closed") worker.terminateAll("the connection to the broker was lost");
  }
};

class Worker {
  readonly #topic: string;
  readonly #command: readonly string[];
  readonly #ttr: number;
  readonly #flags: WorkFlags;
  readonly #runs = new Map<CommandRun, Promise<void>>();
  readonly #onFault: () => void;
  /** Why it cannot go on: the command cannot be run at all, or what became of it cannot be written. */
  fault: Error | undefined;
  /** Commands that have failed. */
  failed = 0;

  constructor(topic: string, command: readonly string[], ttr: number, flags: WorkFlags, onFault: () => void) {
    this.#topic = topic;
    this.#command = command;
    this.#ttr = ttr;
    this.#flags = flags;
    this.#onFault = onFault;
  }

  get running(): number {
    return this.#runs.size;
  }

  start(message: Message): void {
    let run: CommandRun;
    try {
      const environment = environmentOf(this.#topic, message);
      run = new CommandRun(this.#command, environment, message.body, this.#flags.json ? 2 : "inherit");
    } catch (error) {
      return this.#end(notStarted(this.#command, error));
    }
    this.#runs.set(
      run,
      this.#follow(run, message)
        .catch((error: Error) => this.#end(error))
        .finally(() => this.#runs.delete(run)),
    );
  }

  /** The message that it is about goes back when the connection ends, unless it is settled. */
  #end(fault: Error): void {
    this.fault ??= fault;
    this.#onFault();
  }

  async oneEnds(): Promise<void> {
    await Promise.race(this.#runs.values());
  }

  async allEnd(): Promise<void> {
    await Promise.all(this.#runs.values());
  }

  terminateAll(why: string): void {
    for (const run of this.#runs.keys()) run.terminate(why);
  }

  killAll(): void {
    for (const run of this.#runs.keys()) run.kill();
  }

  /** Minds a run to its end, and settles its message. */
  async #follow(run: CommandRun, message: Message): Promise<void> {
    const { timeout } = this.#flags;
    let isHeld = !message.isAcked;
    const renew = (): void => {
      message.touch().catch((error: unknown) => {
        if (!(error instanceof RingmqError) || error.code !== "LEASE_LOST") return;
        isHeld = false;
        run.terminate("its lease was lost: the message is somebody else's");
      });
    };
    const renewal = isHeld ? setInterval(renew, Math.min(Math.ceil(this.#ttr / RENEWALS), MAX_TIMER)) : undefined;
    const limit =
      timeout === undefined
        ? undefined
        : setTimeout(() => run.terminate("it took longer than --timeout"), Math.min(timeout, MAX_TIMER));
    try {
      const outcome = await run.end().catch((error: unknown) => {
        throw notStarted(this.#command, error);
      });
      await this.#settle(message, outcome, isHeld);
    } finally {
      clearInterval(renewal);
      clearTimeout(limit);
    }
  }

  async #settle(message: Message, { isDone, text }: Outcome, isHeld: boolean): Promise<void> {
    const { id, retry } = message;
    if (!isDone) this.failed++;
    let settled = "lost";
    try {
      if (isDone) await message.ack();
      else if (isHeld) await message.nack({ delay: this.#flags.retryDelay });
      if (isDone || isHeld) settled = isDone ? "acked" : "given back";
    } catch (error) {
      if (!(error instanceof RingmqError)) throw error;
      settled = error.code;
    }
    if (this.#flags.json) await writeJson({ id, retry, end: text, settled });
    else if (!isDone || settled !== "acked") say(`message ${id}: ${text}; ${settled}\n`);
  }
}
