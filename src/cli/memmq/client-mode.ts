/** `memmq --client` and `memmq -i`. */
import type { MemmqClient } from "../../memmq-client/index.js";
import { eachLine } from "../line-input.js";
import { stopOnSignals } from "../signals.js";
import { interact } from "./interactive.js";
import { LinePublisher } from "./line-publisher.js";
import type { ClientSettings } from "./memmq-settings.js";
import { printMessages } from "./message-printer.js";
import type { Program } from "./program.js";
import { inFlags, statusLines, upstreamClient } from "./upstream-client.js";

/** Resolves when there is nothing left to do: the process then ends with exit code 0. */
export const runClient = async (settings: ClientSettings, program: Program): Promise<void> => {
  const { fail } = program;
  // Who reads this has read enough, as `| head` does.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
  const failure = settings.interactive ? await interact(settings, program) : await converse(settings, program);
  if (failure !== undefined) fail(inFlags(failure));
  // A terminal or a pipe that is read no further would keep the process.
  process.stdin.destroy();
};

/** Resolves with why not all was done as it should. */
const converse = async (settings: ClientSettings, program: Program): Promise<string | undefined> => {
  const { log } = program;
  const status = statusLines(
    (text) => log.warn({}, text),
    (text) => log.info({}, text),
  );
  await using client = upstreamClient(settings.upstream, program, status);
  const stopping = stopOnSignals();
  const warn = (text: string): void => log.warn({}, text);
  const work: Promise<string | undefined>[] = [];
  if (settings.subscribe) work.push(subscribe(client, settings.topic, warn, stopping));
  if (settings.publish) work.push(publish(client, settings.topic, stopping));
  const failures = (await Promise.all(work)).filter((failure) => failure !== undefined);
  return failures.length === 0 ? undefined : failures.join("; ");
};

/** Prints messages until it is told to stop. */
const subscribe = async (
  client: MemmqClient,
  topic: string,
  warn: (text: string) => void,
  stopping: AbortSignal,
): Promise<string | undefined> => {
  const subscription = client.subscribe(topic);
  stopping.addEventListener("abort", () => subscription.stop(), { once: true });
  try {
    await printMessages(subscription, process.stdout, warn);
    return undefined;
  } catch (error) {
    return `the subscription to ${topic} has ended: ${error instanceof Error ? error.message : String(error)}`;
  }
};

/** Publishes standard input, to its end. */
const publish = async (client: MemmqClient, topic: string, stopping: AbortSignal): Promise<string | undefined> => {
  const publisher = new LinePublisher(client, topic);
  const unread = await eachLine(process.stdin, stopping, (line) => publisher.publish(line));
  await publisher.flush();
  return unread ?? publisher.failure;
};
