/** `ringmq config`. */
import { Command, Option } from "commander";
import type { TopicConfig } from "../../client/index.js";
import { durationText, parseCount, parseDuration, parseSize, sizeText } from "../units.js";
import { type BrokerFlags, onBroker, withBrokerFlags } from "./broker-command.js";
import { configText, DURABILITIES } from "./config-text.js";
import { write, writeJson } from "./output.js";

const HELP = `
Without flags it shows the configuration. What is not named stays as it is; a topic that is not there is made. Sizes take kb,
mb and gb, times ms, s, m and h.

Examples:
  ringmq config orders
  ringmq config orders --ttr 30s --retries 3
  ringmq config events --auto-ack --max-length 100000 --overflow drop-oldest
`;

type Changes = Partial<TopicConfig>;

export const configCommand = (): Command => {
  const command = new Command("config")
    .description("Shows how a topic treats its messages, or changes it.")
    .argument("<topic>", "the topic")
    .addOption(new Option("--ttr <time>", "how long a delivery may be held").argParser(parseDuration))
    .addOption(new Option("--retries <n>", "deliveries after the first before it is dead").argParser(parseCount))
    .option("--auto-ack", "a delivered message is gone")
    .option("--no-auto-ack", "a delivered message is to be acked")
    .addOption(new Option("--mode <mode>", "what a route key is").choices(["exact", "pattern"]))
    .addOption(new Option("--max-length <n>", "messages of a queue, 0 for any number").argParser(parseCount))
    .addOption(new Option("--max-bytes <size>", "bytes of a queue, 0 for any number").argParser(parseSize))
    .addOption(
      new Option("--overflow <policy>", "what a publish to a full queue does").choices(["refuse", "drop-oldest"]),
    )
    .addOption(new Option("--expired <fate>", "what becomes of an expired message").choices(["drop", "dead-letter"]))
    .addOption(new Option("--durability <level>", "what a confirm waits for").choices(DURABILITIES));
  withBrokerFlags(command, HELP);
  return command.action((topic: string, flags: BrokerFlags & Changes) =>
    onBroker(command, flags, async (client) => {
      const { ttr, retries, autoAck, mode, maxLength, maxBytes, overflow, expired, durability } = flags;
      const given = { ttr, retries, autoAck, mode, maxLength, maxBytes, overflow, expired, durability };
      const changes: Changes = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
      const isChange = Object.keys(changes).length > 0;
      const config = isChange ? await client.configure(topic, changes) : (await client.stats(topic)).config;
      await (flags.json ? writeJson(config) : write(configText(config, { ttr: durationText, maxBytes: sizeText })));
    }),
  );
};
