/** `ringmq publish`: its flags. */
import { Command, InvalidArgumentError, Option } from "commander";
import { MAX_BATCH_MESSAGES } from "../../protocol/limits.js";
import { parseCount, parseDuration } from "../units.js";
import { type BrokerFlags, onBroker, withBrokerFlags } from "./broker-command.js";
import { EXIT } from "./exit-codes.js";

const HELP = `
Without messages on the command line each line of standard input is one. A JSON line is an object: body, or bodyBase64
for bytes; and key, delay and ttl (milliseconds) and headers, as ringmq consume --json prints them. The ids of messages
that are confirmed are printed; of lines only with --json. On a terminal a bar shows how far it is.

Examples:
  ringmq publish greetings hello world
  ringmq publish orders --key eu --delay 10m --header source=shop '{"id": 1}'
  tail -f access.log | ringmq publish log
  ringmq publish orders --json-lines < orders.jsonl
  ringmq publish pictures --file cat.png
`;

const parseHeader = (text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> => {
  const at = text.indexOf("=");
  if (at <= 0) throw new InvalidArgumentError("It must be a name and a value, such as source=shop.");
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
};

const parseBatch = (text: string): number => {
  const count = parseCount(text);
  if (count >= 1 && count <= MAX_BATCH_MESSAGES) return count;
  throw new InvalidArgumentError(`It must be from 1 to ${MAX_BATCH_MESSAGES}.`);
};

export interface PublishFlags extends BrokerFlags {
  readonly key?: string;
  readonly delay?: number;
  readonly ttl?: number;
  readonly header?: Readonly<Record<string, string>>;
  readonly file?: string;
  readonly lines?: boolean;
  readonly jsonLines?: boolean;
  readonly batch?: number;
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
    .addOption(new Option("--header <name=value>", "a header; may be given several times").argParser(parseHeader))
    .option("--file <path>", "reads this file, - for standard input: it is one message")
    .option("--lines", "each line of the input is a message")
    .option("--json-lines", "each line of the input is a JSON object")
    .addOption(
      new Option("--batch <n>", "lines that are taken or refused together (default: each by itself)").argParser(
        parseBatch,
      ),
    );
  withBrokerFlags(command, HELP);
  return command.action((topic: string, bodies: readonly string[], flags: PublishFlags) => {
    const fault = conflict(bodies, flags);
    if (fault !== undefined) command.error(`error: ${fault}`, { exitCode: EXIT.usage });
    return onBroker(command, flags, async (client) => {
      const { publish } = await import("./publishing.js");
      await publish(client, topic, bodies, flags);
    });
  });
};

/** What of the flags does not go together. */
const conflict = (bodies: readonly string[], { file, lines, jsonLines, batch }: PublishFlags): string | undefined => {
  if (bodies.length > 0 && (file !== undefined || lines || jsonLines)) {
    return "messages are on the command line: leave --file, --lines and --json-lines out";
  }
  if (lines && jsonLines) return "--lines and --json-lines: leave one of them out";
  if (batch === undefined) return undefined;
  if (jsonLines) return "--batch is for lines that are alike, and JSON lines may differ: leave it out";
  return bodies.length === 0 && file !== undefined && !lines ? "--batch is for lines: add --lines" : undefined;
};
