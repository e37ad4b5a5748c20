/** `ringmq config`. */
import { Command, Option } from "commander";
import type { TopicConfig } from "../../client/index.js";
import { durationText, parseCount, parseDuration, parseNumber, parseSize, sizeText } from "../units.js";
import { type BrokerFlags, onBroker, withBrokerFlags } from "./broker-command.js";
import { changesIn, configText, DURABILITIES } from "./config-text.js";
import { write, writeJson } from "./output.js";

const HELP = `
Prints the configuration as flags. What is not named stays as it is; a topic that is not there is made. Sizes take kb, mb
and gb, times ms, s, m and h.

Examples:
  ringmq config orders
  ringmq config orders --ttr 30s --retries 3
  ringmq config events --auto-ack --max-length 100000 --overflow drop-oldest
  ringmq config new-orders $(ringmq config orders)
`;

/** For each setting its flags. */
const settings = (): Readonly<Record<keyof TopicConfig, readonly Option[]>> => ({
  autoAck: [
    new Option("--auto-ack", "a delivered message is gone"),
    new Option("--no-auto-ack", "a delivered message is to be acked"),
  ],
  mode: [new Option("--mode <mode>", "what a route key is").choices(["exact", "pattern"])],
  ttr: [new Option("--ttr <time>", "how long a delivery may be held").argParser(parseDuration)],
  retries: [new Option("--retries <n>", "deliveries after the first before it is dead").argParser(parseCount)],
  retryDelay: [new Option("--retry-delay <time>", "how long a failed message stays away").argParser(parseDuration)],
  retryFactor: [new Option("--retry-factor <n>", "how many times as long each next time").argParser(parseNumber)],
  retryMaxDelay: [new Option("--retry-max-delay <time>", "how long at most, 0 for any time").argParser(parseDuration)],
  retryJitter: [
    new Option("--retry-jitter <share>", "by which share it may be shorter, 0 to 1").argParser(parseNumber),
  ],
  retryMaxAge: [
    new Option("--retry-max-age <time>", "how old a message may be to be retried, 0 for any age").argParser(
      parseDuration,
    ),
  ],
  brake: [
    new Option("--brake <share>", "share of failures from which it slows down, 0 for never").argParser(parseNumber),
  ],
  maxLength: [new Option("--max-length <n>", "messages of a queue, 0 for any number").argParser(parseCount)],
  maxBytes: [new Option("--max-bytes <size>", "bytes of a queue, 0 for any number").argParser(parseSize)],
  overflow: [new Option("--overflow <policy>", "what a full queue does").choices(["refuse", "drop-oldest"])],
  expired: [new Option("--expired <fate>", "what becomes of an expired message").choices(["drop", "dead-letter"])],
  durability: [new Option("--durability <level>", "what a confirm waits for").choices(DURABILITIES)],
  dedupWindow: [
    new Option("--dedup-window <time>", "how long numbered messages are remembered").argParser(parseDuration),
  ],
  dedupMessages: [new Option("--dedup-messages <n>", "how many of them at least").argParser(parseCount)],
  maxKeys: [new Option("--max-keys <n>", "keys of messages that are known at a time").argParser(parseCount)],
});

const UNITS = {
  ttr: durationText,
  retryDelay: durationText,
  retryMaxDelay: durationText,
  retryMaxAge: durationText,
  maxBytes: sizeText,
  dedupWindow: durationText,
};

export const configCommand = (): Command => {
  const command = new Command("config")
    .description("Shows how a topic treats its messages, or changes it.")
    .argument("<topic>", "the topic");
  const known = settings();
  for (const option of Object.values(known).flat()) command.addOption(option);
  withBrokerFlags(command, HELP);
  return command.action((topic: string, flags: BrokerFlags & Partial<TopicConfig>) =>
    onBroker(command, flags, async (client) => {
      const changes = changesIn(flags, known);
      const config =
        changes === undefined ? (await client.stats(topic)).config : await client.configure(topic, changes);
      await (flags.json ? writeJson(config) : write(configText(config, UNITS)));
    }),
  );
};
