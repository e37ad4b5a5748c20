/** `ringmq dead` and `ringmq redrive`. */
import { Command, Option } from "commander";
import { parseCount, plural } from "../units.js";
import { askFirst, YES_FLAG, type YesFlags } from "./ask-first.js";
import { type BrokerFlags, onBroker, QUEUE_FLAG, withBrokerFlags } from "./broker-command.js";
import { EXIT } from "./exit-codes.js";
import { write, writeJson } from "./output.js";
import { showMessages } from "./peek.js";
import { printSettlement } from "./settle.js";

const LIST_HELP = `
Shows them and changes nothing, the oldest first: why each died, when, and how often it was delivered.

Example:
  ringmq dead list orders --count 100
`;

const REDRIVE_HELP = `
They go to the tail of their queue, with retry 0. Without ids all of them do. Exits ${EXIT.missing} when one of the ids is
not that of a dead letter.

Examples:
  ringmq redrive orders
  ringmq redrive orders 384261148721025024
`;

const PURGE_HELP = `
Asks first, when there is a terminal to ask at.

Example:
  ringmq dead purge orders --yes
`;

interface DeadFlags extends BrokerFlags {
  readonly queue?: string;
}

export const deadCommand = (): Command =>
  new Command("dead")
    .description("Lists, re-drives or drops dead letters.")
    .addCommand(listCommand())
    .addCommand(redriveCommand())
    .addCommand(purgeCommand());

const listCommand = (): Command => {
  const command = new Command("list")
    .description("Shows dead letters.")
    .argument("<topic>", "the topic")
    .option(...QUEUE_FLAG)
    .addOption(new Option("--count <n>", "dead letters to show").argParser(parseCount).default(10));
  withBrokerFlags(command, LIST_HELP);
  return command.action((topic: string, { queue, count, ...flags }: DeadFlags & { readonly count: number }) =>
    onBroker(command, flags, (client) => showMessages(client, topic, count, { queue, state: "dead" }, flags.json)),
  );
};

export const redriveCommand = (): Command => {
  const command = new Command("redrive")
    .description("Puts dead letters back into their queue.")
    .argument("<topic>", "the topic")
    .argument("[ids...]", "the ids of the dead letters (default: all of the queue's)")
    .option(...QUEUE_FLAG);
  withBrokerFlags(command, REDRIVE_HELP);
  return command.action((topic: string, ids: readonly string[], { queue, ...flags }: DeadFlags) =>
    onBroker(command, flags, async (client) => {
      const settlement = await client.redrive(topic, { queue, ...(ids.length > 0 && { ids }) });
      await printSettlement(settlement, "put back", flags.json);
    }),
  );
};

const purgeCommand = (): Command => {
  const command = new Command("purge")
    .description("Drops the dead letters of a queue.")
    .argument("<topic>", "the topic")
    .option(...QUEUE_FLAG)
    .option(...YES_FLAG);
  withBrokerFlags(command, PURGE_HELP);
  return command.action((topic: string, { queue, yes, ...flags }: DeadFlags & YesFlags) =>
    onBroker(command, flags, async (client) => {
      await askFirst(`Drop the dead letters of ${topic}?`, yes);
      const purged = await client.purge(topic, { queue, state: "dead" });
      await (flags.json ? writeJson({ purged }) : write(`${plural(purged, "dead letter")} dropped\n`));
    }),
  );
};
