/** Looks at all topics of a broker, and the rates between two of them. */
import type { BrokerInfo, Client, TopicStatistics } from "../../client/index.js";
import { textTable } from "../text-table.js";
import { plural } from "../units.js";
import { shownName } from "./output.js";
import { heldBy } from "./stat.js";

/** Messages a second, and what is held. */
export interface TopRow {
  readonly topic: string;
  readonly published: number;
  readonly delivered: number;
  readonly acked: number;
  readonly ready: number;
  readonly delayed: number;
  readonly inFlight: number;
  readonly dead: number;
  readonly consumers: number;
  /** A queue of it has slowed itself down. */
  readonly isBraked: boolean;
}

export interface Look {
  readonly time: Date;
  readonly rows: readonly TopRow[];
}

type Counts = Pick<TopicStatistics, "published" | "delivered" | "acked" | "startTime">;

const COUNTED = ["published", "delivered", "acked"] as const;

/** Those with the most messages a second come first, then those that hold the most. */
const byUse = (one: TopRow, other: TopRow): number => {
  const rate = ({ published, delivered, acked }: TopRow): number => published + delivered + acked;
  const held = ({ ready, delayed, inFlight, dead }: TopRow): number => ready + delayed + inFlight + dead;
  return rate(other) - rate(one) || held(other) - held(one) || (one.topic < other.topic ? -1 : 1);
};

export class Looks {
  readonly #client: Client;
  #before = new Map<string, Counts>();
  #at: number | undefined;

  constructor(client: Client) {
    this.#client = client;
  }

  /** The first one has no rates. */
  async take(): Promise<Look> {
    const now = performance.now();
    const seconds = this.#at === undefined ? Number.POSITIVE_INFINITY : (now - this.#at) / 1_000;
    const counts = new Map<string, Counts>();
    const rows: TopRow[] = [];
    for await (const topic of this.#client.topics()) {
      const { name, published, delivered, acked, startTime } = topic;
      counts.set(name, { published, delivered, acked, startTime });
      rows.push(rowOf(topic, this.#before.get(name), seconds));
    }
    this.#before = counts;
    this.#at = now;
    return { time: new Date(), rows: rows.sort(byUse) };
  }
}

const rowOf = (topic: TopicStatistics, before: Counts | undefined, seconds: number): TopRow => {
  // One that was deleted and made again begins at 0.
  const isSame = before?.startTime === topic.startTime;
  const rates = COUNTED.map((name) => Math.round((topic[name] - (isSame ? before[name] : 0)) / seconds));
  const [published = 0, delivered = 0, acked = 0] = rates;
  const { ready, delayed, inFlight, deadLetters: dead, consumers } = heldBy(topic);
  const isBraked = topic.queues.some(({ braked }) => braked);
  return { topic: topic.name, published, delivered, acked, ready, delayed, inFlight, dead, consumers, isBraked };
};

/** Short, so that names have room in 80 columns: published, delivered and acked a second; consumers. */
const HEAD = ["pub/s", "out/s", "ack/s", "ready", "delayed", "in flight", "dead", "cons", "topic"] as const;

const cells = ({ topic, isBraked, ...numbers }: TopRow, name: string): string[] => [
  ...Object.values(numbers).map(String),
  name,
];

const sum = (rows: readonly TopRow[]): TopRow =>
  rows.reduce(
    (all, row) => ({
      topic: "",
      published: all.published + row.published,
      delivered: all.delivered + row.delivered,
      acked: all.acked + row.acked,
      ready: all.ready + row.ready,
      delayed: all.delayed + row.delayed,
      inFlight: all.inFlight + row.inFlight,
      dead: all.dead + row.dead,
      consumers: all.consumers + row.consumers,
      isBraked: false,
    }),
    NOTHING,
  );

const NOTHING: TopRow = {
  topic: "",
  published: 0,
  delivered: 0,
  acked: 0,
  ready: 0,
  delayed: 0,
  inFlight: 0,
  dead: 0,
  consumers: 0,
  isBraked: false,
};

/** A look as lines: the broker, the sums, the topics. */
export const topLines = ({ time, rows }: Look, { server, nodeId, shards }: BrokerInfo): readonly string[] => {
  const broker = `${shownName(server)}, node ${nodeId}, ${plural(shards, "shard")}, ${plural(rows.length, "topic")}`;
  const table = textTable(HEAD, [
    cells(sum(rows), "(all)"),
    ...rows.map((row) => cells(row, shownName(row.topic) + (row.isBraked ? " (braked)" : ""))),
  ]);
  return [`${broker}, at ${time.toISOString().slice(11, 19)} UTC`, "", ...table.trimEnd().split("\n")];
};
