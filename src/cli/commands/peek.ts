/** `ringmq peek`. */
import { Command, Option } from "commander";
import type { BrowseOptions, Client, MessageState } from "../../client/index.js";
import { MAX_BROWSE } from "../../protocol/limits.js";
import { textTable } from "../text-table.js";
import { parseCount } from "../units.js";
import { type BrokerFlags, onBroker, QUEUE_FLAG, withBrokerFlags } from "./broker-command.js";
import { shownName, write, writeJson } from "./output.js";

const HELP = `
The time is when a message is due (delayed), when its lease ends (in flight) or when it died. The reason is why a dead letter
is one, and what was said of its last failure. Bodies are shortened; with --json they are whole, and each message has all
that is known of its failures.

Examples:
  ringmq peek orders
  ringmq peek orders --state delayed --count 100
  ringmq peek orders --state dead --json | jq -r .body
`;

const STATES: readonly MessageState[] = ["ready", "delayed", "in-flight", "dead"];

interface PeekFlags extends BrokerFlags {
  readonly queue?: string;
  readonly state: MessageState;
  readonly offset?: number;
  readonly count: number;
}

export const peekCommand = (): Command => {
  const command = new Command("peek")
    .description("Shows messages and changes nothing.")
    .argument("<topic>", "the topic")
    .option(...QUEUE_FLAG)
    .addOption(new Option("--state <state>", "which messages").choices(STATES).default("ready"))
    .addOption(new Option("--offset <n>", "messages to pass over (default: 0)").argParser(parseCount))
    .addOption(new Option("--count <n>", "messages to show").argParser(parseCount).default(10));
  withBrokerFlags(command, HELP);
  return command.action((topic: string, { queue, state, offset, count, ...flags }: PeekFlags) =>
    onBroker(command, flags, (client) => showMessages(client, topic, count, { queue, state, offset }, flags.json)),
  );
};

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
  for (let left = count; left > 0; ) {
    const page = await client.browse(topic, { ...options, offset, max: Math.min(left, MAX_BROWSE) });
    if (page.length === 0) break;
    offset += page.length;
    left -= page.length;
    if (json) await writeJson(...page.map(storedObject));
    else {
      for (const message of page) {
        const { id, retry, time, routeKey } = message;
        const shownTime = time === 0 ? "" : new Date(time).toISOString();
        rows.push([id, String(retry), shownTime, deathText(message), shownName(routeKey), shortBody(message)]);
      }
    }
  }
  if (rows.length > 0) await write(textTable(["id", "retry", "time", "reason", "key", "body"], rows));
};
