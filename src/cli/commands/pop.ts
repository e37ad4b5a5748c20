/** `ringmq pop`. */
import { Command, Option } from "commander";
import { parseCount, parseDuration } from "../units.js";
import { type BrokerFlags, onBroker, QUEUE_FLAG, withBrokerFlags } from "./broker-command.js";
import { EXIT } from "./exit-codes.js";

const HELP = `
Prints the id and the body of each message, with a tab between them. A message is held for the TTR of its topic, and
comes again unless it is acked by its id (ringmq ack) meanwhile. With --ack it is acked when it has been written, and
the body alone is printed. Exits ${EXIT.missing} when there is no message.

Examples:
  ringmq pop orders
  ringmq pop orders --wait 30s --ack
  ringmq pop orders --count 10 --json
  ringmq pop orders --dead
`;

interface PopFlags extends BrokerFlags {
  readonly queue?: string;
  readonly count?: number;
  readonly wait?: number;
  readonly dead?: boolean;
  readonly ack?: boolean;
}

export const popCommand = (): Command => {
  const command = new Command("pop")
    .description("Takes messages out of a queue.")
    .argument("<topic>", "the topic")
    .option(...QUEUE_FLAG)
    .addOption(new Option("--count <n>", "messages to take at most (default: 1)").argParser(parseCount))
    .addOption(new Option("--wait <time>", "how long to wait for the first (default: 0)").argParser(parseDuration))
    .addOption(new Option("--dead", "takes dead letters").conflicts("wait"))
    .option("--ack", "acks the messages when they are written");
  withBrokerFlags(command, HELP);
  return command.action((topic: string, flags: PopFlags) => pop(command, topic, flags));
};

const pop = (command: Command, topic: string, flags: PopFlags): Promise<void> =>
  onBroker(command, flags, async (client) => {
    const { queue, count: max, wait, dead = false, ack = false, json = false } = flags;
    const { bodyLine, deliveredObject, jsonLine } = await import("./message-text.js");
    const { write } = await import("./output.js");
    const messages = dead ? await client.popDead(topic, { queue, max }) : await client.pop(topic, { queue, max, wait });
    for (const message of messages) {
      const body = json ? jsonLine(deliveredObject(message)) : bodyLine(message, process.stdout.isTTY);
      await write(json || ack ? body : Buffer.concat([Buffer.from(`${message.id}\t`), body]));
      if (ack) await message.ack();
    }
    if (messages.length === 0) process.exitCode = EXIT.missing;
  });
