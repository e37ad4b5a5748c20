/** `ringmq top`: its flags. */
import { Command, InvalidArgumentError, Option } from "commander";
import { durationText, parseDuration } from "../units.js";
import {
  type BrokerFlags,
  onLastingBroker,
  type ReconnectFlags,
  withBrokerFlags,
  withReconnect,
} from "./broker-command.js";
import { EXIT } from "./exit-codes.js";

const HELP = `
Messages a second since the last look, and what the queues of each topic hold; the busiest topics come first. q or Ctrl-C
ends it. --once prints one look, after one interval; with --json an object for each topic.

Examples:
  ringmq top
  ringmq top --interval 5s
  ringmq top --once --json | jq -r 'select(.ready > 1000) | .topic'
`;

const DEFAULT_INTERVAL = 1_000;
const MIN_INTERVAL = 100;
const MAX_INTERVAL = 3_600_000;

const parseInterval = (text: string): number => {
  const interval = parseDuration(text);
  if (interval >= MIN_INTERVAL && interval <= MAX_INTERVAL) return interval;
  throw new InvalidArgumentError("It must be from 100ms to 1h.");
};

export interface TopFlags extends BrokerFlags, ReconnectFlags {
  readonly interval: number;
  readonly once?: boolean;
}

export const topCommand = (): Command => {
  const command = new Command("top")
    .description("Shows topics and their rates, live.")
    .addOption(
      new Option("--interval <time>", "time between two looks")
        .argParser(parseInterval)
        .default(DEFAULT_INTERVAL, durationText(DEFAULT_INTERVAL)),
    )
    .option("--once", "prints one look and ends");
  withReconnect(withBrokerFlags(command, HELP));
  return command.action((flags: TopFlags) => {
    if (!flags.once && !(process.stdout.isTTY && process.stdin.isTTY)) {
      command.error("error: a live view needs a terminal: --once prints one look", { exitCode: EXIT.usage });
    }
    if (!flags.once && flags.json) {
      command.error("error: --json is for --once: add it", { exitCode: EXIT.usage });
    }
    return onLastingBroker(command, flags, async (client) => {
      const { once, watch } = await import("./watching.js");
      await (flags.once ? once(client, flags) : watch(client, flags));
    });
  });
};
