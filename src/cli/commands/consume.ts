/** `ringmq consume`: its flags. */
import { Command, Option } from "commander";
import { parseCount, parseDuration } from "../units.js";
import {
  type BrokerFlags,
  onLastingBroker,
  QUEUE_FLAG,
  type ReconnectFlags,
  withBrokerFlags,
  withReconnect,
} from "./broker-command.js";

const HELP = `
Each body is a line; with --json each message is an object, which ringmq publish --json-lines takes. A message is acked
when it has been written: when the output is closed, what it has not taken is not acked. It runs until it is stopped
(SIGINT, SIGTERM), which gives back what it has not written.

Examples:
  ringmq consume orders
  ringmq consume orders --queue eu --count 10
  ringmq consume orders --idle 1s --json > orders.jsonl
  ringmq consume orders --idle 1s --json | ringmq publish orders-copy --json-lines
`;

export interface ConsumeFlags extends BrokerFlags, ReconnectFlags {
  readonly queue?: string;
  readonly count?: number;
  readonly idle?: number;
  readonly prefetch?: number;
}

export const consumeCommand = (): Command => {
  const command = new Command("consume")
    .description("Prints the messages of a queue as they come, and acks them.")
    .argument("<topic>", "the topic")
    .option(...QUEUE_FLAG)
    .addOption(new Option("--count <n>", "ends after so many messages").argParser(parseCount))
    .addOption(new Option("--idle <time>", "ends when nothing has come for so long").argParser(parseDuration))
    .addOption(
      new Option("--prefetch <n>", "messages that may come ahead (default: as many as it gets through)").argParser(
        parseCount,
      ),
    );
  withReconnect(withBrokerFlags(command, HELP));
  return command.action((topic: string, flags: ConsumeFlags) =>
    onLastingBroker(command, flags, async (client) => {
      const { consume } = await import("./consuming.js");
      await consume(client, topic, flags);
    }),
  );
};
