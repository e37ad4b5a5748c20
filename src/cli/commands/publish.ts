/** `ringmq publish`: its flags. */
import { Command, InvalidArgumentError, Option } from "commander";
import { MAX_BATCH_MESSAGES } from "../../protocol/limits.js";
import { parseCount, parseDuration } from "../units.js";
import {
  type BrokerFlags,
  onLastingBroker,
  type ReconnectFlags,
  withBrokerFlags,
  withReconnect,
} from "./broker-command.js";
import { EXIT } from "./exit-codes.js";
import { headerFlag, type InputFlags, inputConflict, inputFlags } from "./input-flags.js";

const HELP = `
Without messages on the command line each line of standard input is one. A JSON line is an object: body, or bodyBase64
for bytes; and key, delay and ttl (milliseconds), headers, messageKey and keyWindow, as ringmq consume --json prints them. The ids of messages
that are confirmed are printed; of lines only with --json. On a terminal a bar shows how far it is.

Examples:
  ringmq publish greetings hello world
  ringmq publish orders --key eu --delay 10m --header source=shop '{"id": 1}'
  tail -f access.log | ringmq publish log
  ringmq publish orders --json-lines < orders.jsonl
  ringmq publish pictures --file cat.png
`;

const parseBatch = (text: string): number => {
  const count = parseCount(text);
  if (count >= 1 && count <= MAX_BATCH_MESSAGES) return count;
  throw new InvalidArgumentError(`It must be from 1 to ${MAX_BATCH_MESSAGES}.`);
};

interface PublishFlags extends BrokerFlags, ReconnectFlags, InputFlags {
  readonly delay?: number;
  readonly ttl?: number;
  readonly batch?: number;
  readonly messageKey?: string;
  readonly keyWindow?: number;
}

export const publishCommand = (): Command => {
  const command = new Command("publish")
    .description("Publishes messages: arguments, lines or a file.")
    .argument("<topic>", "the topic")
    .argument("[messages...]", "the messages (default: the lines of standard input)")
    .option("--key <key>", "the route key, which chooses queues (default: the queue default)")
    .addOption(new Option("--delay <time>", "holds the messages back, such as 10s or 5m").argParser(parseDuration))
    .addOption(
      new Option("--ttl <time>", "after this time a message that still waits expires").argParser(parseDuration),
    )
    .option("--message-key <key>", "publishes nothing while another message of the topic has this key")
    .addOption(
      new Option(
        "--key-window <time>",
        "how long the message key is known (default: until the message is done)",
      ).argParser(parseDuration),
    )
    .addOption(headerFlag())
    .addOption(
      new Option("--batch <n>", "lines that are taken or refused together (default: each by itself)").argParser(
        parseBatch,
      ),
    );
  for (const flag of inputFlags()) command.addOption(flag);
  withReconnect(withBrokerFlags(command, HELP));
  return command.action((topic: string, bodies: readonly string[], flags: PublishFlags) => {
    const fault = conflict(bodies, flags);
    if (fault !== undefined) command.error(`error: ${fault}`, { exitCode: EXIT.usage });
    return onLastingBroker(command, flags, async (client) => {
      const { publish } = await import("./publishing.js");
      const { topicTarget } = await import("./targets.js");
      await publish(client, topicTarget(client, topic), bodies, flags);
    });
  });
};

/** What of the flags does not go together. */
const conflict = (bodies: readonly string[], flags: PublishFlags): string | undefined => {
  const { file, lines, jsonLines, batch, messageKey } = flags;
  const fault = inputConflict(bodies, flags);
  const isOne = bodies.length === 1 || (bodies.length === 0 && file !== undefined && !lines && !jsonLines);
  if (messageKey !== undefined && (!isOne || batch !== undefined)) {
    return "--message-key is for one message: JSON lines have a messageKey of their own";
  }
  if (fault !== undefined || batch === undefined) return fault;
  if (jsonLines) return "--batch is for lines that are alike, and JSON lines may differ: leave it out";
  return bodies.length === 0 && file !== undefined && !lines ? "--batch is for lines: add --lines" : undefined;
};
