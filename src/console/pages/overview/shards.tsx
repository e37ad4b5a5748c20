/**
 * The shards of the broker.
 */
import { useMemo } from "preact/hooks";
import type { BrokerSample, ShardSample } from "ringmq/client";
import { rates, recent } from "../../broker/rates.js";
import { age, bytes, count, percent, rate } from "../../parts/format.js";
import { type Column, Table } from "../../parts/table.js";
import { text } from "./text.js";

interface ShardRow extends ShardSample {
  readonly number: number;
  /** A second; undefined: not known. */
  readonly publishedRate: number | undefined;
  readonly deliveredRate: number | undefined;
  /** Of 1. */
  readonly busy: number | undefined;
}

const MILLISECONDS = 1_000;

/** Samples that rates are told from. */
const LAST = 4;

const rowsOf = (samples: readonly BrokerSample[]): readonly ShardRow[] => {
  const last = samples.slice(-LAST);
  return (last.at(-1)?.shards ?? []).map((shard, number) => {
    const rateOf = (name: "published" | "delivered" | "busyTime"): number | undefined =>
      recent(rates(last, ({ shards }) => shards[number]?.[name] ?? 0));
    const busy = rateOf("busyTime");
    return {
      ...shard,
      number,
      publishedRate: rateOf("published"),
      deliveredRate: rateOf("delivered"),
      busy: busy === undefined ? undefined : Math.min(1, busy / MILLISECONDS),
    };
  });
};

const known = (value: number | undefined, format: (value: number) => string): string =>
  value === undefined ? "–" : format(value);

const columnsOf = (words: ReturnType<typeof text>): readonly Column<ShardRow>[] => {
  const numeric = (
    key: string,
    title: string,
    value: (row: ShardRow) => number | undefined,
    format: (value: number) => string,
    priority: 1 | 2 | 3 = 1,
  ): Column<ShardRow> => ({
    key,
    title,
    cell: (row) => known(value(row), format),
    sort: (row) => value(row) ?? -1,
    numeric: true,
    width: "6rem",
    priority,
  });
  return [
    { key: "number", title: words.shard, cell: ({ number }) => number, sort: ({ number }) => number, width: "5rem" },
    {
      key: "state",
      title: words.state,
      cell: ({ up }) => <span class={up ? "tag good" : "tag bad"}>{up ? words.up : words.down}</span>,
      width: "6rem",
      priority: 2,
    },
    numeric("in", words.publishedRate, ({ publishedRate }) => publishedRate, rate),
    numeric("out", words.deliveredRate, ({ deliveredRate }) => deliveredRate, rate),
    numeric("ready", words.ready, ({ ready }) => ready, count),
    numeric("in-flight", words.inFlight, ({ inFlight }) => inFlight, count, 2),
    numeric("delayed", words.delayed, ({ delayed }) => delayed, count, 2),
    numeric("dead", words.deadShort, ({ dead }) => dead, count, 2),
    numeric("oldest", words.oldestShort, (row) => (row.ready === 0 ? undefined : row.oldestReadyAge), age, 3),
    numeric("memory", words.memory, ({ memoryBytes }) => memoryBytes, bytes, 2),
    numeric("journal", words.journal, ({ journalBytes }) => journalBytes, bytes, 3),
    numeric("busy", words.busy, ({ busy }) => busy, percent),
  ];
};

export const Shards = ({ samples }: { readonly samples: readonly BrokerSample[] }) => {
  const words = text();
  const columns = useMemo(() => columnsOf(words), [words]);
  const rows = useMemo(() => rowsOf(samples), [samples]);
  return (
    <Table label={words.shards} rows={rows} columns={columns} rowKey={({ number }) => number} empty={words.none} />
  );
};
