/** `ringmq find`. */
import { Command, InvalidArgumentError, Option } from "commander";
import type { FindOptions, LocatedMessage, MessageState } from "../../client/index.js";
import { textTable } from "../text-table.js";
import { formatSize, parseCount, plural } from "../units.js";
import { type BrokerFlags, CommandError, onBroker, QUEUE_FLAG, withBrokerFlags } from "./broker-command.js";
import { EXIT } from "./exit-codes.js";
import { say, shownName, write, writeJson } from "./output.js";
import { timeText } from "./peek.js";

const HELP = `
All that is given must be so: a header with this value, a text somewhere in the body, the publisher's route key. Without any of
them all messages are found. With --id or --message-key it shows one message, in whichever queue it is, and looks at no others.
The broker looks through the queue a part at a time, while others go on; a message that moves meanwhile may be missed.
Exits ${EXIT.missing} when nothing is found.

Examples:
  ringmq find orders --header order=4711
  ringmq find orders --text "no such customer" --ignore-case --state dead
  ringmq find orders --route-key eu --queue eu --count 0 --json | jq -r .id
  ringmq find orders --id 384261148721025024
`;

const STATES: readonly (MessageState | "all")[] = ["ready", "delayed", "in-flight", "dead", "all"];

interface FindFlags extends BrokerFlags {
  readonly queue?: string;
  readonly state: MessageState | "all";
  readonly header?: { readonly name: string; readonly value?: string };
  readonly text?: string;
  readonly ignoreCase?: true;
  readonly routeKey?: string;
  readonly id?: string;
  readonly messageKey?: string;
  readonly count: number;
}

/** `name=value`, or `name`: whatever its value is. */
const parseHeader = (text: string): { name: string; value?: string } => {
  const at = text.indexOf("=");
  const name = at < 0 ? text : text.slice(0, at);
  if (name === "") throw new InvalidArgumentError("It must be name=value, or a name.");
  return at < 0 ? { name } : { name, value: text.slice(at + 1) };
};

const ONE_MESSAGE = ["queue", "state", "header", "text", "ignoreCase", "routeKey", "count"];

export const findCommand = (): Command => {
  const command = new Command("find")
    .description("Finds messages by a header, a text in the body, or their id or key.")
    .argument("<topic>", "the topic")
    .option(...QUEUE_FLAG)
    .addOption(new Option("--state <state>", "which messages").choices(STATES).default("all"))
    .addOption(new Option("--header <name=value>", "a header that they have").argParser(parseHeader))
    .option("--text <text>", "a text that their bodies have in them")
    .option("--ignore-case", "A is as good as a in the text")
    .option("--route-key <key>", "the route key that they were published with")
    .addOption(new Option("--id <id>", "the message with this id").conflicts(ONE_MESSAGE))
    .addOption(new Option("--message-key <key>", "the message that has this key").conflicts([...ONE_MESSAGE, "id"]))
    .addOption(new Option("--count <n>", "messages to show, 0 for all").argParser(parseCount).default(100));
  withBrokerFlags(command, HELP);
  return command.action((topic: string, flags: FindFlags) =>
    onBroker(command, flags, async (client) => {
      const { id, messageKey, json } = flags;
      if (id !== undefined || messageKey !== undefined) {
        const { showMessage } = await import("./peek.js");
        return showMessage(client, topic, id ?? { key: messageKey ?? "" }, json);
      }
      const { queue, state, header, text, ignoreCase, routeKey } = flags;
      const options: FindOptions = { queue, state, header, text, ignoreCase, routeKey };
      const search = client.find(topic, options);
      const most = flags.count === 0 ? Number.POSITIVE_INFINITY : flags.count;
      const found: LocatedMessage[] = [];
      const { storedObject } = await import("./message-text.js");
      let count = 0;
      for await (const message of search) {
        count++;
        if (json) await writeJson({ state: message.state, ...storedObject(message) });
        else found.push(message);
        if (count >= most) break;
      }
      if (found.length > 0) await write(await tableOf(found));
      const looked = `${plural(search.scanned, "message")} looked at, ${formatSize(search.scannedBytes)}`;
      if (count === 0) throw new CommandError(`nothing was found: ${looked}`, EXIT.missing);
      if (!json && count >= most && !search.isOver) say(`${shownName(looked)}; there may be more: see --count\n`);
    }),
  );
};

const tableOf = async (messages: readonly LocatedMessage[]): Promise<string> => {
  const { deathText, shortBody } = await import("./message-text.js");
  const rows = messages.map((message) => {
    const { id, state, retry, time, routeKey } = message;
    return [id, state, String(retry), timeText(time), deathText(message), shownName(routeKey), shortBody(message)];
  });
  return textTable(["id", "state", "retry", "time", "reason", "key", "body"], rows);
};
