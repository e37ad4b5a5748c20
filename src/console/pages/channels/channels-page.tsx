/**
 * The channels of the broker.
 */
import { useMemo } from "preact/hooks";
import type { ChannelStatistics } from "ringmq/client";
import type { PageProps } from "../../base/page.js";
import { goTo, hrefTo } from "../../base/route.js";
import { collect, usePolled } from "../../broker/polled.js";
import { ErrorLine } from "../../parts/error-line.js";
import { bytes, count, rate } from "../../parts/format.js";
import { Loading } from "../../parts/loading.js";
import { Name } from "../../parts/name.js";
import { PageHead } from "../../parts/page-head.js";
import { type Column, Table } from "../../parts/table.js";
import { Rates } from "./rates.js";
import { text } from "./text.js";

type Words = ReturnType<typeof text>;

const hrefOf = (name: string): string => hrefTo(["channels", name]);

/** Nothing is known of one that was looked at once. */
const known = (perSecond: number | undefined) =>
  perSecond === undefined ? <span class="muted">–</span> : rate(perSecond);

const columnsOf = (words: Words, rates: Rates): readonly Column<ChannelStatistics>[] => [
  {
    key: "name",
    title: words.channel,
    cell: ({ name }) => <Name value={name} href={hrefOf(name)} />,
    sort: ({ name }) => name,
  },
  {
    key: "subscribers",
    title: words.subscribers,
    cell: ({ subscribers }) => count(subscribers),
    sort: ({ subscribers }) => subscribers,
    numeric: true,
    width: "7.5rem",
  },
  {
    key: "behind",
    title: words.behind,
    cell: ({ behind }) => (behind > 0 ? <mark title={words.behindHint}>{count(behind)}</mark> : count(behind)),
    sort: ({ behind }) => behind,
    numeric: true,
    width: "6rem",
    priority: 2,
  },
  {
    key: "rate",
    title: words.rate,
    cell: ({ name }) => known(rates.of(name)),
    sort: ({ name }) => rates.of(name) ?? 0,
    numeric: true,
    width: "6rem",
  },
  {
    key: "kept",
    title: words.keep,
    cell: ({ kept }) => (kept ? <span class="tag">{words.yes}</span> : ""),
    sort: ({ kept }) => Number(kept),
    width: "5rem",
    priority: 2,
  },
  {
    key: "messages",
    title: words.messages,
    cell: ({ messages }) => count(messages),
    sort: ({ messages }) => messages,
    numeric: true,
    width: "8rem",
    priority: 2,
  },
  {
    key: "bytes",
    title: words.bytes,
    cell: ({ bytes: size }) => bytes(size),
    sort: ({ bytes: size }) => size,
    numeric: true,
    width: "7rem",
    priority: 3,
  },
  {
    key: "dropped",
    title: words.dropped,
    cell: ({ dropped }) => count(dropped),
    sort: ({ dropped }) => dropped,
    numeric: true,
    width: "7rem",
    priority: 3,
  },
];

export const Page = ({ client }: PageProps) => {
  const words = text();
  const rates = useMemo(() => new Rates(), [client]);
  const { value, error } = usePolled(async () => {
    const channels = await collect(client.channels());
    rates.update(channels.rows, performance.now());
    return channels;
  }, [client]);
  const columns = useMemo(() => columnsOf(words, rates), [words, rates]);
  return (
    <>
      <PageHead title={words.title} />
      <ErrorLine error={error} />
      {value === undefined ? (
        <Loading unless={error} />
      ) : (
        <Table
          label={words.title}
          rows={value.rows}
          isCut={value.isCut}
          columns={columns}
          rowKey={({ name }) => name}
          searched={({ name }) => name}
          onOpen={({ name }) => goTo(hrefOf(name))}
          empty={words.empty}
        />
      )}
    </>
  );
};
