/**
 * All topics.
 */
import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { PageProps } from "../../base/page.js";
import { goTo, hrefTo } from "../../base/route.js";
import { usePolled } from "../../broker/polled.js";
import type { TopicLook } from "../../broker/topic-look.js";
import { ErrorLine } from "../../parts/error-line.js";
import { count, rate } from "../../parts/format.js";
import { Loading } from "../../parts/loading.js";
import { Name } from "../../parts/name.js";
import { PageHead } from "../../parts/page-head.js";
import { type Column, Table } from "../../parts/table.js";
import { NewTopic } from "./new-topic.js";
import { text } from "./text.js";
import { TopicList, type TopicRow } from "./topic-list.js";

type Words = ReturnType<typeof text>;

/** How often those in sight are asked for. Milliseconds. */
const EVERY_ROW = 1_000;

/** How often all of them are loaded anew: the more there are, the more seldom. Milliseconds, and for each topic. */
const EVERY_LIST = 2_000;
const EVERY_TOPIC = 1;

type Number = "ready" | "inFlight" | "delayed" | "dead" | "consumers";

/** What is not there stands back. */
const shown = (value: number) => (value === 0 ? <span class="muted">0</span> : count(value));

const numberOf = (key: Number, title: string, priority: 1 | 2 | 3): Column<TopicRow> => ({
  key,
  title,
  cell: ({ look }) => shown(look.value[key]),
  sort: ({ look }) => look.peek()[key],
  numeric: true,
  width: "7rem",
  priority,
});

const rateOf = (key: "incoming" | "outgoing", title: string): Column<TopicRow> => ({
  key,
  title,
  cell: ({ look }) => {
    const value = look.value[key];
    return value === undefined ? <span class="muted">–</span> : rate(value);
  },
  sort: ({ look }) => look.peek()[key] ?? -1,
  numeric: true,
  width: "6.5rem",
  priority: 2,
});

const Marks = ({ look, words }: { readonly look: TopicLook; readonly words: Words }) => (
  <>
    {look.paused > 0 && (
      <span class="tag warn" title={words.pausedTitle}>
        {words.paused}
      </span>
    )}
    {look.braked > 0 && (
      <span class="tag bad" title={words.brakedTitle}>
        {words.braked}
      </span>
    )}
  </>
);

const columnsOf = (words: Words): readonly Column<TopicRow>[] => [
  {
    key: "name",
    title: words.name,
    cell: ({ name, look }) => (
      <>
        <Name value={name} href={hrefTo(["topics", name])} /> <Marks look={look.value} words={words} />
      </>
    ),
    sort: ({ name }) => name,
  },
  numberOf("ready", words.ready, 1),
  numberOf("inFlight", words.inFlight, 2),
  numberOf("delayed", words.delayed, 2),
  {
    ...numberOf("dead", words.dead, 1),
    width: "6rem",
    cell: ({ name, look }) => {
      const { dead } = look.value;
      return dead === 0 ? shown(0) : <a href={hrefTo(["topics", name, "dead"])}>{count(dead)}</a>;
    },
  },
  rateOf("incoming", words.incoming),
  rateOf("outgoing", words.outgoing),
  { ...numberOf("consumers", words.consumers, 3), width: "7.5rem" },
];

export const Page = ({ client }: PageProps) => {
  const words = text();
  const list = useMemo(() => new TopicList(client), [client]);
  useEffect(() => () => list.stop(), [list]);
  const { value: rows } = list.rows;
  const every = EVERY_LIST + EVERY_TOPIC * (rows?.length ?? 0);
  const { error, reload } = usePolled(() => list.load(), [list], every);
  const { error: rowError } = usePolled(() => list.refresh(), [list], EVERY_ROW);
  const isMaking = useSignal(false);
  const columns = useMemo(() => columnsOf(words), [words]);
  const { value: progress } = list.progress;
  return (
    <>
      <PageHead title={words.title}>
        <button
          type="button"
          onClick={() => {
            isMaking.value = true;
          }}
        >
          {words.newTopic}
        </button>
      </PageHead>
      <ErrorLine error={error ?? rowError} />
      {rows === undefined ? (
        <Loading unless={error} />
      ) : (
        <Table
          label={words.title}
          rows={rows}
          isCut={list.isCut.value}
          columns={columns}
          rowKey={({ name }) => name}
          searched={({ name }) => name}
          order={{ key: "name", descending: false }}
          onOpen={({ name }) => goTo(hrefTo(["topics", name]))}
          onSight={(shown) => list.see(shown)}
          empty={words.empty}
          tools={progress !== undefined && <output class="muted">{words.progress(count(progress))}</output>}
        />
      )}
      {isMaking.value && (
        <NewTopic
          client={client}
          onClose={() => {
            isMaking.value = false;
          }}
          onMade={() => void reload()}
        />
      )}
    </>
  );
};
