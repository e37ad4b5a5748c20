/** What `ringmq work` does. */
import { plainHeaders } from "../../client/base/plain-content.js";
import { type Client, type Message, RingmqError } from "../../client/index.js";
import { stopOnSignals } from "../signals.js";
import { CommandRun, MAX_TIMER, notStarted, type Outcome, shortHeaders } from "./command-run.js";
import { EXIT } from "./exit-codes.js";
import { IdleTimer } from "./idle-timer.js";
import { say, writeJson } from "./output.js";
import type { WorkFlags } from "./work.js";

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
  const { queue, count = Number.POSITIVE_INFINITY, idle } = flags;
  if (count === 0) return;
  const concurrency = Math.min(flags.concurrency, count);
  const commands = new Commands(topic, command, flags);
  let left = count;
  const worker = await client.work(
    topic,
    async (message, { signal }) => {
      if (--left === 0) stop();
      if (worker.running === concurrency) timer.pause();
      else timer.restart();
      await commands.run(message, signal);
      if (commands.fault !== undefined) stop();
      timer.restart();
    },
    // No more come ahead than can run at once: a command takes far longer than a message.
    { queue, concurrency, prefetch: concurrency },
  );
  const stop = (): void => void worker.drain();
  const timer = new IdleTimer(idle, stop);
  stopOnSignals(() => commands.killAll()).addEventListener("abort", stop, { once: true });
  const error = await worker.closed;
  timer.pause();
  if (commands.fault !== undefined) throw commands.fault;
  if (error !== undefined) throw error;
  await client.drain();
  if (commands.failed > 0) process.exitCode = EXIT.failed;
};

class Commands {
  readonly #topic: string;
  readonly #command: readonly string[];
  readonly #flags: WorkFlags;
  readonly #runs = new Set<CommandRun>();
  /** Why it cannot go on: the command cannot be run at all, or what became of it cannot be written. */
  fault: Error | undefined;
  /** Commands that have failed. */
  failed = 0;

  constructor(topic: string, command: readonly string[], flags: WorkFlags) {
    this.#topic = topic;
    this.#command = command;
    this.#flags = flags;
  }

  killAll(): void {
    for (const run of this.#runs) run.kill();
  }

  /** Runs the command for a message, and settles it. */
  async run(message: Message, signal: AbortSignal): Promise<void> {
    try {
      const outcome = await this.#outcome(message, signal);
      await this.#settle(message, outcome, signal);
    } catch (error) {
      this.fault ??= error instanceof Error ? error : new Error(String(error));
      await message.nack().catch(() => {});
    }
  }

  /** Minds a command to its end. Rejects when it cannot be started. */
  async #outcome(message: Message, signal: AbortSignal): Promise<Outcome> {
    const { timeout, json } = this.#flags;
    let run: CommandRun | undefined;
    let limit: NodeJS.Timeout | undefined;
    try {
      const environment = environmentOf(this.#topic, message);
      const started = new CommandRun(this.#command, environment, message.body, json ? 2 : "inherit");
      run = started;
      this.#runs.add(started);
      signal.addEventListener("abort", () => started.terminate(whyLost(signal)), { once: true });
      if (timeout !== undefined) {
        limit = setTimeout(() => started.terminate("it took longer than --timeout"), Math.min(timeout, MAX_TIMER));
      }
      return await started.end();
    } catch (error) {
      throw notStarted(this.#command, error);
    } finally {
      clearTimeout(limit);
      if (run !== undefined) this.#runs.delete(run);
    }
  }

  async #settle(message: Message, { isDone, text }: Outcome, signal: AbortSignal): Promise<void> {
    const { id, retry } = message;
    const isHeld = !message.isAcked && !signal.aborted;
    if (!isDone) this.failed++;
    let settled = "lost";
    try {
      if (isDone) await message.ack();
      else if (isHeld) await message.nack({ delay: this.#flags.retryDelay, reason: text });
      if (isDone || isHeld) settled = isDone ? "acked" : "given back";
    } catch (error) {
      if (!(error instanceof RingmqError)) throw error;
      settled = error.code;
    }
    if (this.#flags.json) await writeJson({ id, retry, end: text, settled });
    else if (!isDone || settled !== "acked") say(`message ${id}: ${text}; ${settled}\n`);
  }
}

const whyLost = ({ reason }: AbortSignal): string =>
  reason instanceof RingmqError && reason.code === "CONNECTION_CLOSED"
    ? "the connection to the broker was lost"
    : "its lease was lost: the message is somebody else's";
