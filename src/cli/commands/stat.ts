/** `ringmq stat` and `ringmq topics`. */
import { Command } from "commander";
import type { Client, QueueStatistics, TopicStatistics } from "../../client/index.js";
import { textTable } from "../text-table.js";
import { plural } from "../units.js";
import { type BrokerFlags, onBroker, withBrokerFlags } from "./broker-command.js";
import { shownName, write, writeJson } from "./output.js";

const STAT_HELP = `
The first line counts what has happened since the topic was made; then there is a line for each queue.

Examples:
  ringmq stat orders
  ringmq stat orders --json | jq '.queues[].ready'
`;

const TOPICS_HELP = `
Each topic with what all of its queues hold.

Examples:
  ringmq topics
  ringmq topics --json | jq -r 'select(.dead > 0) | .name'
`;

export const statCommand = (): Command => {
  const command = new Command("stat").description("Shows the statistics of a topic.").argument("<topic>", "the topic");
  withBrokerFlags(command, STAT_HELP);
  return command.action((topic: string, flags: BrokerFlags) =>
    onBroker(command, flags, async (client) => {
      const statistics = await client.stats(topic);
      await (flags.json ? writeJson(statistics) : write(statText(statistics)));
    }),
  );
};

export const topicsCommand = (): Command => {
  const command = new Command("topics").description("Lists the topics, with what they hold.");
  withBrokerFlags(command, TOPICS_HELP);
  return command.action((flags: BrokerFlags) =>
    onBroker(command, flags, async (client) => {
      if (flags.json) for await (const topic of client.topics()) await writeJson(topic);
      else await write(await topicsText(client));
    }),
  );
};

const QUEUE_HEAD = ["ready", "delayed", "in flight", "dead", "bytes", "consumers"] as const;

const statText = ({ name, queues, ...counts }: TopicStatistics): string => {
  const { published, delivered, acked, retried, dead, expired, dropped } = counts;
  const happened = { published, delivered, acked, retried, dead, expired, dropped };
  const text = Object.entries(happened).map(([what, count]) => `${count} ${what}`);
  return `${shownName(name)}: ${text.join(", ")}\n${textTable(
    [...QUEUE_HEAD, "queue"],
    queues.map((queue) => [...queueCells(queue), shownName(queue.bindKey) + stateText(queue)]),
  )}`;
};

const stateText = ({ paused, braked, rate }: QueueStatistics): string => {
  if (paused) return " (paused)";
  return braked ? ` (braked to ${rate} a second)` : "";
};

const queueCells = ({ ready, delayed, inFlight, deadLetters, bytes, consumers }: Held): string[] =>
  [ready, delayed, inFlight, deadLetters, bytes, consumers].map(String);

type Held = Omit<QueueStatistics, "bindKey" | "paused" | "braked" | "rate">;

/** What all queues of a topic hold. */
export const heldBy = ({ queues }: TopicStatistics): Held => {
  const sum = (of: (queue: QueueStatistics) => number): number => queues.reduce((total, queue) => total + of(queue), 0);
  return {
    ready: sum(({ ready }) => ready),
    delayed: sum(({ delayed }) => delayed),
    inFlight: sum(({ inFlight }) => inFlight),
    deadLetters: sum(({ deadLetters }) => deadLetters),
    bytes: sum(({ bytes }) => bytes),
    consumers: sum(({ consumers }) => consumers),
  };
};

const topicsText = async (client: Client): Promise<string> => {
  const rows: { readonly name: string; readonly cells: readonly string[] }[] = [];
  for await (const topic of client.topics()) {
    rows.push({
      name: topic.name,
      cells: [...queueCells(heldBy(topic)), String(topic.queues.length), shownName(topic.name)],
    });
  }
  if (rows.length === 0) return `${plural(0, "topic")}\n`;
  rows.sort((one, other) => (one.name < other.name ? -1 : 1));
  return textTable(
    [...QUEUE_HEAD, "queues", "topic"],
    rows.map(({ cells }) => cells),
  );
};
