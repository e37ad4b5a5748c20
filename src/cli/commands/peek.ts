/** `ringmq peek`. */
import { Command, Option } from "commander";
import type { BrowseOptions, Client, MessageState } from "../../client/index.js";
import { MAX_BROWSE } from "../../protocol/limits.js";
import { textTable } from "../text-table.js";
import { parseCount } from "../units.js";
import { type BrokerFlags, CommandError, onBroker, QUEUE_FLAG, withBrokerFlags } from "./broker-command.js";
import { EXIT } from "./exit-codes.js";
import { shownName, write, writeJson } from "./output.js";

const HELP = `
The time is when a message is due (delayed), when its lease ends (in flight) or when it died. The reason is why a dead letter
is one, and what was said of its last failure. Bodies are shortened; with --json they are whole, and each message has all
that is known of its failures.

With --message-key it shows the message that has this key, and where it is. Exits ${EXIT.missing} when there is none.

Examples:
  ringmq peek orders
  ringmq peek orders --state delayed --count 100
  ringmq peek orders --state dead --json | jq -r .body
  ringmq peek orders --message-key "invoice 7"
`;

const STATES: readonly MessageState[] = ["ready", "delayed", "in-flight", "dead"];

interface PeekFlags extends BrokerFlags {
  readonly queue?: string;
  readonly state: MessageState;
  readonly offset?: number;
  readonly count: number;
  readonly messageKey?: string;
}

export const peekCommand = (): Command => {
  const command = new Command("peek")
    .description("Shows messages and changes nothing.")
    .argument("<topic>", "the topic")
    .option(...QUEUE_FLAG)
    .addOption(new Option("--state <state>", "which messages").choices(STATES).default("ready"))
    .addOption(new Option("--offset <n>", "messages to pass over (default: 0)").argParser(parseCount))
    .addOption(new Option("--count <n>", "messages to show").argParser(parseCount).default(10))
    .addOption(
      new Option("--message-key <key>", "the message that has this key").conflicts([
        "queue",
        "state",
        "offset",
        "count",
      ]),
    );
  withBrokerFlags(command, HELP);
  return command.action((topic: string, { queue, state, offset, count, messageKey, ...flags }: PeekFlags) =>
    onBroker(command, flags, (client) =>
      messageKey === undefined
        ? showMessages(client, topic, count, { queue, state, offset }, flags.json)
        : showMessage(client, topic, { key: messageKey }, flags.json),
    ),
  );
};

/** One message, by its id or key, wherever it is. */
export const showMessage = async (
  client: Client,
  topic: string,
  named: string | { readonly key: string },
  json = false,
): Promise<void> => {
  const message = await client.lookup(topic, named);
  if (message === undefined) {
    const what = typeof named === "string" ? `id ${named}` : `key ${named.key}`;
    throw new CommandError(`topic ${topic} has no message with the ${what}`, EXIT.missing);
  }
  const { storedObject, shortBody, deathText } = await import("./message-text.js");
  if (json) return writeJson({ ...storedObject(message), copies: message.copies });
  const rows = message.copies.map(({ queue, state, retry, time }) => [
    message.id,
    state,
    shownName(queue),
    String(retry),
    timeText(time),
    deathText(message),
    shortBody(message),
  ]);
  await write(textTable(["id", "state", "queue", "retry", "time", "reason", "body"], rows));
};

export const timeText = (time: number): string => (time === 0 ? "" : new Date(time).toISOString());

/** As many as `count`, a page at a time. */
export const showMessages = async (
  client: Client,
  topic: string,
  count: number,
  options: BrowseOptions,
  json = false,
): Promise<void> => {
  const { storedObject, shortBody, deathText } = await import("./message-text.js");
  const rows: string[][] = [];
  let offset = options.offset ?? 0;
  // Also when none is to be shown it is looked whether there is such a queue.
  for (let left = count, isFirst = true; left > 0 || isFirst; isFirst = false) {
    const all = await client.browse(topic, { ...options, offset, max: Math.max(1, Math.min(left, MAX_BROWSE)) });
    const page = all.slice(0, left);
    if (page.length === 0) break;
    offset += page.length;
    left -= page.length;
    if (json) await writeJson(...page.map(storedObject));
    else {
      for (const message of page) {
        const { id, retry, time, routeKey } = message;
        rows.push([id, String(retry), timeText(time), deathText(message), shownName(routeKey), shortBody(message)]);
      }
    }
  }
  if (rows.length > 0) await write(textTable(["id", "retry", "time", "reason", "key", "body"], rows));
};
