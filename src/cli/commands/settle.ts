/** `ringmq ack` and `ringmq nack`. */
import { Command, Option } from "commander";
import type { Client, Settlement } from "../../client/index.js";
import { parseDuration, plural } from "../units.js";
import { type BrokerFlags, CommandError, onBroker, QUEUE_FLAG, withBrokerFlags } from "./broker-command.js";
import { EXIT } from "./exit-codes.js";
import { write, writeJson } from "./output.js";

const ACK_HELP = `
For messages that ringmq pop or another program holds. Exits ${EXIT.missing} when one of them is not held by anybody.

Examples:
  ringmq ack orders 384261148721025024
  id=$(ringmq pop orders | cut -f1) && ringmq ack orders "$id"
`;

const NACK_HELP = `
The message goes to the tail of its queue, or becomes a dead letter when it has been retried often enough. For messages
that ringmq pop or another program holds. Exits ${EXIT.missing} when one of them is not held by anybody.

Examples:
  ringmq nack orders 384261148721025024 --delay 10m
  ringmq nack orders 384261148721025024 --no-retry --reason "no such customer"
`;

interface SettleFlags extends BrokerFlags {
  readonly queue?: string;
  readonly delay?: number;
  readonly retry?: boolean;
  readonly reason?: string;
}

type Settle = (client: Client, topic: string, ids: readonly string[], flags: SettleFlags) => Promise<Settlement>;

export const ackCommand = (): Command =>
  settleCommand("ack", "Acks messages: they are done with.", ACK_HELP, "acked", (client, topic, ids, { queue }) =>
    client.ackById(topic, ids, { queue }),
  );

export const nackCommand = (): Command =>
  settleCommand(
    "nack",
    "Gives messages back.",
    NACK_HELP,
    "given back",
    (client, topic, ids, { queue, delay, retry, reason }) =>
      client.nackById(topic, ids, { queue, delay, retry, reason }),
  )
    .addOption(
      new Option("--delay <time>", "how long they stay away (default: as the topic is configured)").argParser(
        parseDuration,
      ),
    )
    .option("--no-retry", "makes them dead letters")
    .option("--reason <text>", "why, for the history of their failures");

const settleCommand = (name: string, description: string, help: string, done: string, settle: Settle): Command => {
  const command = new Command(name)
    .description(description)
    .argument("<topic>", "the topic")
    .argument("<ids...>", "the ids of the messages")
    .option(...QUEUE_FLAG);
  withBrokerFlags(command, help);
  return command.action((topic: string, ids: readonly string[], flags: SettleFlags) =>
    onBroker(command, flags, async (client) => {
      await printSettlement(await settle(client, topic, ids, flags), done, flags.json);
    }),
  );
};

/** Says how many, and ends the program when it is not all. */
export const printSettlement = async ({ settled, faults }: Settlement, done: string, json = false): Promise<void> => {
  if (json) await writeJson({ settled, faults });
  else await write(`${plural(settled, "message")} ${done}\n`);
  const [first] = faults;
  if (first === undefined) return;
  throw new CommandError(
    `${faults.length} of ${settled + faults.length} messages were not ${done}, the first of them ${first.key ?? first.id} (${first.code})`,
    EXIT.missing,
  );
};
