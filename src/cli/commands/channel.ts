/** `ringmq channel`: its commands and their flags. */
import { Command, InvalidArgumentError, Option } from "commander";
import type { ChannelConfig, Overflow, SubscribeOptions } from "../../client/index.js";
import { OVERFLOWS } from "../../protocol/subscribe-options.js";
import { textTable } from "../text-table.js";
import { durationText, parseCount, parseDuration, parseSize, plural, sizeText } from "../units.js";
import { askFirst, YES_FLAG, type YesFlags } from "./ask-first.js";
import {
  type BrokerFlags,
  onBroker,
  onLastingBroker,
  type ReconnectFlags,
  withBrokerFlags,
  withReconnect,
} from "./broker-command.js";
import { changesIn, configText, DURABILITIES } from "./config-text.js";
import { EXIT } from "./exit-codes.js";
import { headerFlag, type InputFlags, inputConflict, inputFlags } from "./input-flags.js";
import { shownName, write, writeJson } from "./output.js";

const PUBLISH_HELP = `
Without messages on the command line each line of standard input is one; a JSON line is an object with body, or bodyBase64,
and key and headers. For messages of the command line it prints how many subscribers have been there.

Examples:
  ringmq channel publish news 'it is raining'
  ringmq channel publish prices --key ACME 17.5
  tail -f access.log | ringmq channel publish log
`;

const SUBSCRIBE_HELP = `
Each body is a line; with --json each message is an object. What was lost, to a subscriber that is too slow, is told on
standard error. It runs until it is stopped (SIGINT, SIGTERM).

Examples:
  ringmq channel subscribe news
  ringmq channel subscribe weather --from start --idle 1s --json
  ringmq channel subscribe weather --from 2026-01-31T08:00:00Z
`;

const CONFIG_HELP = `
Prints the configuration as flags. What is not named stays as it is. Sizes take kb, mb and gb, times ms, s, m and h.

Examples:
  ringmq channel config weather
  ringmq channel config weather --keep --max-age 168h
`;

const STATS_HELP = `
Example:
  ringmq channel stats weather --json
`;

const LIST_HELP = `
Example:
  ringmq channel list
`;

const DELETE_HELP = `
What it keeps goes, and its configuration. Asks first, when there is a terminal to ask at.

Example:
  ringmq channel delete weather --yes
`;

export const channelCommand = (): Command =>
  new Command("channel")
    .description("Publishes to channels, subscribes to them, and looks after them.")
    .addCommand(publishCommand())
    .addCommand(subscribeCommand())
    .addCommand(configCommand())
    .addCommand(statsCommand())
    .addCommand(listCommand())
    .addCommand(deleteCommand());

const CHANNEL = ["<channel>", "the channel"] as const;

const publishCommand = (): Command => {
  const command = new Command("publish")
    .description("Publishes messages to whoever is subscribed.")
    .argument(...CHANNEL)
    .argument("[messages...]", "the messages (default: the lines of standard input)")
    .option("--key <key>", "what subscribers with the policy conflate go by")
    .addOption(headerFlag());
  for (const flag of inputFlags()) command.addOption(flag);
  withReconnect(withBrokerFlags(command, PUBLISH_HELP));
  return command.action(
    (channel: string, bodies: readonly string[], flags: BrokerFlags & ReconnectFlags & InputFlags) => {
      const fault = inputConflict(bodies, flags);
      if (fault !== undefined) command.error(`error: ${fault}`, { exitCode: EXIT.usage });
      return onLastingBroker(command, flags, async (client) => {
        const { publish } = await import("./publishing.js");
        const { channelTarget } = await import("./targets.js");
        await publish(client, channelTarget(client, channel), bodies, flags);
      });
    },
  );
};

type From = NonNullable<SubscribeOptions["from"]>;

const parseFrom = (text: string): From => {
  if (text === "now" || text === "start") return text;
  const [, position, epoch] = /^(\d{1,15})(?:@(.+))?$/.exec(text) ?? [];
  if (position !== undefined) return { position: Number(position), ...(epoch !== undefined && { epoch }) };
  const time = new Date(text);
  if (!Number.isNaN(time.getTime())) return time;
  throw new InvalidArgumentError(
    "It must be now, start, a time such as 2026-01-31T08:00:00Z, or a position such as 17 or 17@epoch.",
  );
};

export interface SubscribeFlags extends BrokerFlags, ReconnectFlags {
  readonly from?: From;
  readonly recover?: boolean;
  readonly overflow?: Overflow;
  readonly count?: number;
  readonly idle?: number;
}

const subscribeCommand = (): Command => {
  const command = new Command("subscribe")
    .description("Prints the messages of a channel as they come.")
    .argument(...CHANNEL)
    .addOption(
      new Option(
        "--from <place>",
        "the first: now, start, a time, a position or position@epoch (default: now)",
      ).argParser(parseFrom),
    )
    .option("--recover", "has a channel that is not kept remember its last messages")
    .addOption(new Option("--overflow <policy>", "what happens when this is too slow").choices(OVERFLOWS))
    .addOption(new Option("--count <n>", "ends after so many messages").argParser(parseCount))
    .addOption(new Option("--idle <time>", "ends when nothing has come for so long").argParser(parseDuration));
  withReconnect(withBrokerFlags(command, SUBSCRIBE_HELP));
  return command.action((channel: string, flags: SubscribeFlags) =>
    onLastingBroker(command, flags, async (client) => {
      const { subscribe } = await import("./subscribing.js");
      await subscribe(client, channel, flags);
    }),
  );
};

/** For each setting its flags. */
const settings = (): Readonly<Record<keyof ChannelConfig, readonly Option[]>> => ({
  keep: [new Option("--keep", "keeps its messages"), new Option("--no-keep", "drops those that are kept")],
  maxMessages: [new Option("--max-messages <n>", "messages that are kept, 0 for any number").argParser(parseCount)],
  maxBytes: [new Option("--max-bytes <size>", "bytes that are kept, 0 for any number").argParser(parseSize)],
  maxAge: [new Option("--max-age <time>", "how long one is kept, 0 for ever").argParser(parseDuration)],
  history: [new Option("--history <n>", "messages that are always in memory").argParser(parseCount)],
  historyBytes: [new Option("--history-bytes <size>", "bytes of them").argParser(parseSize)],
  durability: [new Option("--durability <level>", "what a confirm waits for").choices(DURABILITIES)],
});

const UNITS = { maxBytes: sizeText, maxAge: durationText, historyBytes: sizeText };

const configCommand = (): Command => {
  const command = new Command("config").description("Shows what a channel keeps, or changes it.").argument(...CHANNEL);
  const known = settings();
  for (const option of Object.values(known).flat()) command.addOption(option);
  withBrokerFlags(command, CONFIG_HELP);
  return command.action((channel: string, flags: BrokerFlags & Partial<ChannelConfig>) =>
    onBroker(command, flags, async (client) => {
      const changes = changesIn(flags, known);
      const config =
        changes === undefined
          ? (await client.channelStats(channel)).config
          : await client.configureChannel(channel, changes);
      await (flags.json ? writeJson(config) : write(configText(config, UNITS)));
    }),
  );
};

const HEAD = ["first", "next", "messages", "bytes", "published", "dropped", "subscribers", "behind", "kept"] as const;

type Statistics = Readonly<Record<Exclude<(typeof HEAD)[number], "kept">, number>> & {
  readonly name: string;
  readonly kept: boolean;
};

const cells = (statistics: Statistics): string[] => [
  ...HEAD.map((name) => (name === "kept" ? (statistics.kept ? "yes" : "no") : String(statistics[name]))),
  shownName(statistics.name),
];

const statsCommand = (): Command => {
  const command = new Command("stats").description("Shows the statistics of a channel.").argument(...CHANNEL);
  withBrokerFlags(command, STATS_HELP);
  return command.action((channel: string, flags: BrokerFlags) =>
    onBroker(command, flags, async (client) => {
      const statistics = await client.channelStats(channel);
      await (flags.json ? writeJson(statistics) : write(textTable([...HEAD, "channel"], [cells(statistics)])));
    }),
  );
};

const listCommand = (): Command => {
  const command = new Command("list").description("Lists the channels.");
  withBrokerFlags(command, LIST_HELP);
  return command.action((flags: BrokerFlags) =>
    onBroker(command, flags, async (client) => {
      const rows: Statistics[] = [];
      for await (const statistics of client.channels()) {
        if (flags.json) await writeJson(statistics);
        else rows.push(statistics);
      }
      if (flags.json) return;
      rows.sort((one, other) => (one.name < other.name ? -1 : 1));
      await write(rows.length === 0 ? "0 channels\n" : textTable([...HEAD, "channel"], rows.map(cells)));
    }),
  );
};

const deleteCommand = (): Command => {
  const command = new Command("delete")
    .description("Deletes what a channel keeps, and its configuration.")
    .argument(...CHANNEL)
    .option(...YES_FLAG);
  withBrokerFlags(command, DELETE_HELP);
  return command.action((channel: string, { yes, ...flags }: BrokerFlags & YesFlags) =>
    onBroker(command, flags, async (client) => {
      await askFirst(`Delete channel ${channel}?`, yes);
      const dropped = await client.deleteChannel(channel);
      await (flags.json ? writeJson({ dropped }) : write(`deleted, and ${plural(dropped, "message")} with it\n`));
    }),
  );
};
