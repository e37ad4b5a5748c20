/** `ringmq dead` and `ringmq redrive`. */
import { Command, Option } from "commander";
import type { DeadLetterChoice, DeadLetters } from "../../client/index.js";
import { MAX_BROWSE } from "../../protocol/limits.js";
import { textTable } from "../text-table.js";
import { parseCount, parseNumber, plural } from "../units.js";
import { askFirst, YES_FLAG, type YesFlags } from "./ask-first.js";
import { type BrokerFlags, onBroker, QUEUE_FLAG, withBrokerFlags } from "./broker-command.js";
import { EXIT } from "./exit-codes.js";
import { say, shownName, write, writeJson } from "./output.js";
import { showMessages } from "./peek.js";
import { printSettlement } from "./settle.js";

const LIST_HELP = `
Shows them and changes nothing, the oldest first: why each died, when, and how often it was delivered. With --group it counts
them by their reasons and by who had them.

Examples:
  ringmq dead list orders --count 100
  ringmq dead list orders --group
`;

const REDRIVE_HELP = `
They go to the tail of their queue, with retry 0. Without ids and --reason all of them do. A reason is what dead list --group
shows, or its beginning. Exits ${EXIT.missing} when one of the ids is not that of a dead letter.

Examples:
  ringmq redrive orders
  ringmq redrive orders 384261148721025024
  ringmq redrive orders --reason "Error: connect ECONNREFUSED" --rate 50
`;

const PURGE_HELP = `
Asks first, when there is a terminal to ask at.

Examples:
  ringmq dead purge orders --yes
  ringmq dead purge orders --reason "no such customer" --dry-run
`;

const EDIT_HELP = `
A new message with this body is published to the queue, and then the dead letter is dropped. If something fails in between, both
are there.

Example:
  ringmq dead edit orders 384261148721025024 '{"id": 7}'
`;

interface DeadFlags extends BrokerFlags {
  readonly queue?: string;
}

interface ChoiceFlags extends DeadFlags {
  readonly reason?: string;
  readonly dryRun?: boolean;
}

const REASON_FLAG = ["--reason <text>", "only those whose reason begins so"] as const;
const DRY_RUN_FLAG = ["--dry-run", "only says how many"] as const;

/** Which are meant. */
const choiceOf = ({ reason, dryRun }: ChoiceFlags, ids: readonly string[] = []): DeadLetterChoice => {
  if (ids.length > 0) return { ids, dryRun };
  return reason === undefined ? { all: true, dryRun } : { reason, dryRun };
};

export const deadCommand = (): Command =>
  new Command("dead")
    .description("Lists, re-drives, edits or drops dead letters.")
    .addCommand(listCommand())
    .addCommand(redriveCommand())
    .addCommand(editCommand())
    .addCommand(purgeCommand());

const listCommand = (): Command => {
  const command = new Command("list")
    .description("Shows dead letters.")
    .argument("<topic>", "the topic")
    .option(...QUEUE_FLAG)
    .addOption(new Option("--count <n>", "dead letters to show").argParser(parseCount).default(10))
    .option("--group", "counts them by their reasons");
  withBrokerFlags(command, LIST_HELP);
  return command.action((topic: string, { queue, count, group, ...flags }: ListFlags) =>
    onBroker(command, flags, (client) => {
      if (group) return showGroups(client.deadLetters(topic, { queue }), flags.json);
      return showMessages(client, topic, count, { queue, state: "dead" }, flags.json);
    }),
  );
};

interface ListFlags extends DeadFlags {
  readonly count: number;
  readonly group?: boolean;
}

const showGroups = async (dead: DeadLetters, json = false): Promise<void> => {
  const { groups, rest } = await dead.groups({ max: MAX_BROWSE });
  if (json) return writeJson(...groups);
  const { shortText } = await import("./message-text.js");
  const rows = groups.map(({ count, first, last, example, client, reason, text }) => [
    String(count),
    new Date(first).toISOString(),
    new Date(last).toISOString(),
    example,
    shownName(client),
    text === "" ? reason : `${reason}: ${shortText(text)}`,
  ]);
  if (rows.length > 0) await write(textTable(["count", "first", "last", "example", "client", "reason"], rows));
  if (rest > 0) say(`${plural(rest, "dead letter")} more, in other groups\n`);
};

export const redriveCommand = (): Command => {
  const command = new Command("redrive")
    .description("Puts dead letters back into their queue.")
    .argument("<topic>", "the topic")
    .argument("[ids...]", "the ids of the dead letters (default: all of the queue's)")
    .option(...QUEUE_FLAG)
    .option(...REASON_FLAG)
    .addOption(new Option("--rate <n>", "so many a second at most").argParser(parseNumber))
    .option(...DRY_RUN_FLAG);
  withBrokerFlags(command, REDRIVE_HELP);
  return command.action((topic: string, ids: readonly string[], flags: ChoiceFlags & { readonly rate?: number }) =>
    onBroker(command, flags, async (client) => {
      const { queue, rate, json } = flags;
      const settlement = await client.deadLetters(topic, { queue }).redrive({ ...choiceOf(flags, ids), rate });
      await printSettlement(settlement, flags.dryRun ? "to be put back" : "put back", json);
    }),
  );
};

const editCommand = (): Command => {
  const command = new Command("edit")
    .description("Sends a dead letter on with another body.")
    .argument("<topic>", "the topic")
    .argument("<id>", "the id of the dead letter")
    .argument("<body>", "the new body")
    .option(...QUEUE_FLAG);
  withBrokerFlags(command, EDIT_HELP);
  return command.action((topic: string, id: string, body: string, { queue, ...flags }: DeadFlags) =>
    onBroker(command, flags, async (client) => {
      const { receipt, isReplaced } = await client.deadLetters(topic, { queue }).edit(id, body);
      if (flags.json) return writeJson({ id: receipt.id, isReplaced });
      return write(`${receipt.id}\n`);
    }),
  );
};

const purgeCommand = (): Command => {
  const command = new Command("purge")
    .description("Drops the dead letters of a queue.")
    .argument("<topic>", "the topic")
    .option(...QUEUE_FLAG)
    .option(...REASON_FLAG)
    .option(...DRY_RUN_FLAG)
    .option(...YES_FLAG);
  withBrokerFlags(command, PURGE_HELP);
  return command.action((topic: string, { yes, ...flags }: ChoiceFlags & YesFlags) =>
    onBroker(command, flags, async (client) => {
      const { queue, dryRun, json } = flags;
      if (!dryRun) await askFirst(`Drop the dead letters of ${topic}?`, yes);
      const purged = await client.deadLetters(topic, { queue }).purge(choiceOf(flags));
      const done = dryRun ? "to be dropped" : "dropped";
      await (json ? writeJson({ purged }) : write(`${plural(purged, "dead letter")} ${done}\n`));
    }),
  );
};
