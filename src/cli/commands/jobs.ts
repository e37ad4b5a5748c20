/** `ringmq cancel`, `ringmq reschedule` and `ringmq run-now`. */
import { Command, Option } from "commander";
import type { Client, Ids, Keys, Settlement } from "../../client/index.js";
import { parseDuration } from "../units.js";
import { type BrokerFlags, onBroker, withBrokerFlags } from "./broker-command.js";
import { EXIT } from "./exit-codes.js";
import { printSettlement } from "./settle.js";

const WHICH = `Messages are named by their ids, or by the keys that they were published with (--message-key). By
its key a message is found also when it is ready`;

const MISSING = `Exits ${EXIT.missing} when one of them was not there, or a consumer has it.`;

const CANCEL_HELP = `
${WHICH} or dead. ${MISSING}

Examples:
  ringmq cancel jobs 384261148721025024
  ringmq cancel jobs --message-key "invoice 7"
`;

const RESCHEDULE_HELP = `
The delay counts from now. ${WHICH}. ${MISSING}

Example:
  ringmq reschedule jobs 2h --message-key "invoice 7"
`;

const RUN_NOW_HELP = `
${WHICH} already. ${MISSING}

Example:
  ringmq run-now jobs --message-key "invoice 7"
`;

interface JobFlags extends BrokerFlags {
  readonly queue?: string;
  readonly messageKey?: readonly string[];
}

type Act = (client: Client, messages: Ids | Keys, queue: string | undefined) => Promise<Settlement>;

export const cancelCommand = (): Command => {
  const command = new Command("cancel").description("Drops delayed messages.").argument("<topic>", "the topic");
  withNames(command, CANCEL_HELP);
  return command.action((topic: string, ids: readonly string[], flags: JobFlags) =>
    act(command, ids, flags, "cancelled", (client, messages, queue) => client.cancel(topic, messages, { queue })),
  );
};

export const rescheduleCommand = (): Command => {
  const command = new Command("reschedule")
    .description("Gives delayed messages another delay.")
    .argument("<topic>", "the topic")
    .argument("<delay>", "how long they are held back from now on", parseDuration);
  withNames(command, RESCHEDULE_HELP);
  return command.action((topic: string, delay: number, ids: readonly string[], flags: JobFlags) =>
    act(command, ids, flags, "rescheduled", (client, messages, queue) =>
      client.reschedule(topic, messages, delay, { queue }),
    ),
  );
};

export const runNowCommand = (): Command => {
  const command = new Command("run-now")
    .description("Makes delayed messages ready at once.")
    .argument("<topic>", "the topic");
  withNames(command, RUN_NOW_HELP);
  return command.action((topic: string, ids: readonly string[], flags: JobFlags) =>
    act(command, ids, flags, "made ready", (client, messages, queue) => client.runNow(topic, messages, { queue })),
  );
};

/** Adds the ways to name messages. */
const withNames = (command: Command, help: string): void => {
  const key = new Option("--message-key <key>", "a message that has this key; may be given several times");
  command
    .argument("[ids...]", "the ids of the messages")
    .addOption(key.argParser((value: string, before: readonly string[] = []) => [...before, value]))
    .option("--queue <key>", "the queue's bind key (default: all queues of the topic)");
  withBrokerFlags(command, help);
};

const act = (
  command: Command,
  ids: readonly string[],
  { queue, messageKey: key, ...flags }: JobFlags,
  done: string,
  change: Act,
): Promise<void> => {
  if (ids.length > 0 === (key !== undefined)) {
    command.error("error: messages are named by their ids or by --message-key", { exitCode: EXIT.usage });
  }
  return onBroker(command, flags, async (client) =>
    printSettlement(await change(client, key === undefined ? ids : { key }, queue), done, flags.json),
  );
};
