/** `ringmq bench`: its flags. */
import { Command, InvalidArgumentError, Option } from "commander";
import { formatSize, parseCount, parseSize } from "../units.js";
import { type BrokerFlags, onBroker, withBrokerFlags } from "./broker-command.js";
import { DURABILITIES } from "./config-text.js";

const HELP = `
Publishes messages one at a time and as fast as they are taken, takes and acks them, and says how fast that was: what this
machine, the network and the broker's disk allow one client. The topic is its own, and deleted at the end.

Examples:
  ringmq bench
  ringmq bench --messages 1000000 --size 1kb --durability write
`;

const DEFAULT_MESSAGES = 200_000;
const MAX_MESSAGES = 100_000_000;
const DEFAULT_SIZE = 128;
const MAX_SIZE = 1_048_576;

export interface BenchFlags extends BrokerFlags {
  readonly messages: number;
  readonly size: number;
  readonly durability?: (typeof DURABILITIES)[number];
}

const within =
  (parse: (text: string) => number, min: number, max: number, shown: (value: number) => string) =>
  (text: string): number => {
    const value = parse(text);
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be from ${shown(min)} to ${shown(max)}.`);
  };

export const benchCommand = (): Command => {
  const command = new Command("bench")
    .description("Measures how fast a broker takes and delivers messages.")
    .addOption(
      new Option("--messages <n>", "messages to publish")
        .argParser(within(parseCount, 1, MAX_MESSAGES, String))
        .default(DEFAULT_MESSAGES),
    )
    .addOption(
      new Option("--size <size>", "bytes of each")
        .argParser(within(parseSize, 0, MAX_SIZE, formatSize))
        .default(DEFAULT_SIZE),
    )
    .addOption(
      new Option("--durability <level>", "what a confirm waits for (default: the broker's)").choices(DURABILITIES),
    );
  withBrokerFlags(command, HELP);
  return command.action((flags: BenchFlags) =>
    onBroker(command, flags, async (client) => {
      const { bench } = await import("./benching.js");
      await bench(client, flags);
    }),
  );
};
