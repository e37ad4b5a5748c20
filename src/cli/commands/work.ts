/** `ringmq work`: its flags. */
import { Command, InvalidArgumentError, Option } from "commander";
import { parseCount, parseDuration } from "../units.js";
import {
  type BrokerFlags,
  onLastingBroker,
  QUEUE_FLAG,
  type ReconnectFlags,
  withBrokerFlags,
  withReconnect,
} from "./broker-command.js";

const HELP = `
The body is the command's standard input; RINGMQ_MESSAGE_ID, _TOPIC, _KEY, _RETRY and _HEADERS (JSON) are in its environment.
When it exits with 0 the message is acked, otherwise given back, to be retried as its topic says. The lease is renewed while
the command runs. SIGTERM and SIGINT take no more messages and let the commands that run finish; a second one ends them.

Examples:
  ringmq work thumbnails -- convert - -resize 200x200 out.png
  ringmq work mails --concurrency 8 --timeout 1m --retry-delay 30s -- ./send-mail.sh
  ringmq work events -- sh -c 'jq .id >> seen.txt'
`;

/** Each is a process. */
const MAX_CONCURRENCY = 1_024;

export const parseConcurrency = (text: string): number => {
  const count = parseCount(text);
  if (count >= 1 && count <= MAX_CONCURRENCY) return count;
  throw new InvalidArgumentError(`It must be from 1 to ${MAX_CONCURRENCY}.`);
};

export interface WorkFlags extends BrokerFlags, ReconnectFlags {
  readonly queue?: string;
  readonly concurrency: number;
  readonly timeout?: number;
  readonly retryDelay?: number;
  readonly count?: number;
  readonly idle?: number;
}

export const workCommand = (): Command => {
  const command = new Command("work")
    .description("Runs a command for each message of a queue.")
    .argument("<topic>", "the topic")
    .argument("<command>", "the program to run; put -- before it")
    .argument("[arguments...]", "its arguments")
    .option(...QUEUE_FLAG)
    .addOption(new Option("--concurrency <n>", "commands that run at a time").argParser(parseConcurrency).default(1))
    .addOption(new Option("--timeout <time>", "ends a command that runs longer").argParser(parseDuration))
    .addOption(
      new Option("--retry-delay <time>", "how long a message stays away when its command fails (default: 0)").argParser(
        parseDuration,
      ),
    )
    .addOption(new Option("--count <n>", "ends after so many messages").argParser(parseCount))
    .addOption(new Option("--idle <time>", "ends when nothing has come for so long").argParser(parseDuration));
  withReconnect(withBrokerFlags(command, HELP));
  return command.action((topic: string, program: string, args: readonly string[], flags: WorkFlags) =>
    onLastingBroker(command, flags, async (client) => {
      const { work } = await import("./working.js");
      await work(client, topic, [program, ...args], flags);
    }),
  );
};
