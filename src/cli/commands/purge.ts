/** `ringmq purge` and `ringmq delete`. */
import { Command, Option } from "commander";
import type { MessageState } from "../../client/index.js";
import { plural } from "../units.js";
import { askFirst, YES_FLAG, type YesFlags } from "./ask-first.js";
import { type BrokerFlags, onBroker, QUEUE_FLAG, withBrokerFlags } from "./broker-command.js";
import { write, writeJson } from "./output.js";

const PURGE_HELP = `
Asks first, when there is a terminal to ask at.

Examples:
  ringmq purge orders
  ringmq purge orders --queue eu --state all --yes
`;

const DELETE_HELP = `
Its configuration, queues and messages go. Asks first, when there is a terminal to ask at.

Examples:
  ringmq delete orders
  ringmq delete orders --queue eu --yes
`;

const STATES: readonly (MessageState | "all")[] = ["ready", "delayed", "in-flight", "dead", "all"];

interface PurgeFlags extends BrokerFlags, YesFlags {
  readonly queue?: string;
  readonly state: MessageState | "all";
}

export const purgeCommand = (): Command => {
  const command = new Command("purge")
    .description("Drops the messages of a queue.")
    .argument("<topic>", "the topic")
    .option(...QUEUE_FLAG)
    .addOption(new Option("--state <state>", "which messages").choices(STATES).default("ready"))
    .option(...YES_FLAG);
  withBrokerFlags(command, PURGE_HELP);
  return command.action((topic: string, { queue, state, yes, ...flags }: PurgeFlags) =>
    onBroker(command, flags, async (client) => {
      await askFirst(`Drop messages of ${topic}, queue ${queue ?? "default"}: ${state}?`, yes);
      const purged = await client.purge(topic, { queue, state });
      await (flags.json ? writeJson({ purged }) : write(`${plural(purged, "message")} dropped\n`));
    }),
  );
};

export const deleteCommand = (): Command => {
  const command = new Command("delete")
    .description("Deletes a topic, or one of its queues.")
    .argument("<topic>", "the topic")
    .option("--queue <key>", "the bind key of the queue to delete (default: the whole topic)")
    .option(...YES_FLAG);
  withBrokerFlags(command, DELETE_HELP);
  return command.action((topic: string, { queue, yes, ...flags }: Omit<PurgeFlags, "state">) =>
    onBroker(command, flags, async (client) => {
      await askFirst(queue === undefined ? `Delete topic ${topic}?` : `Delete queue ${queue} of ${topic}?`, yes);
      const dropped = queue === undefined ? await client.deleteTopic(topic) : await client.deleteQueue(topic, queue);
      await (flags.json ? writeJson({ dropped }) : write(`deleted, and ${plural(dropped, "message")} with it\n`));
    }),
  );
};
