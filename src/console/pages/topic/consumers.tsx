/**
 * Who takes messages from a topic.
 */
import { useMemo } from "preact/hooks";
import { type Client, type ConsumerInfo, RingmqError } from "ringmq/client";
import { collect, usePolled } from "../../broker/polled.js";
import { ErrorLine } from "../../parts/error-line.js";
import { count } from "../../parts/format.js";
import { Loading } from "../../parts/loading.js";
import { Name } from "../../parts/name.js";
import { type Column, Table } from "../../parts/table.js";
import { text, type Words } from "./text.js";

async function* ofTopic(client: Client, topic: string): AsyncGenerator<ConsumerInfo> {
  for await (const consumer of client.consumers()) if (consumer.topic === topic) yield consumer;
}

const columnsOf = (words: Words): readonly Column<ConsumerInfo>[] => [
  {
    key: "client",
    title: words.client,
    cell: ({ client, pop }) => (
      <>
        <Name value={client === "" ? "–" : client} /> {pop && <span class="tag">{words.pop}</span>}
      </>
    ),
    sort: ({ client }) => client,
  },
  { key: "queue", title: words.queue, cell: ({ queue }) => <Name value={queue} />, sort: ({ queue }) => queue },
  {
    key: "connection",
    title: words.connection,
    cell: ({ connection }) => connection,
    sort: ({ connection }) => connection,
    numeric: true,
    width: "7.5rem",
    priority: 2,
  },
  {
    key: "credit",
    title: words.credit,
    cell: ({ credit }) => count(credit),
    sort: ({ credit }) => credit,
    numeric: true,
    width: "6rem",
    priority: 2,
  },
  {
    key: "inFlight",
    title: words.inFlight,
    cell: ({ inFlight }) => count(inFlight),
    sort: ({ inFlight }) => inFlight,
    numeric: true,
    width: "6rem",
  },
  {
    key: "state",
    title: words.state,
    cell: ({ state }) => (
      <span class={state === "waiting" ? "tag" : "tag warn"}>{words.consumerStates[state] ?? state}</span>
    ),
    sort: ({ state }) => state,
    width: "7rem",
  },
];

const isForbidden = (error: Error | undefined): boolean => error instanceof RingmqError && error.code === "FORBIDDEN";

export const Consumers = ({ client, topic }: { readonly client: Client; readonly topic: string }) => {
  const words = text();
  const { value, error } = usePolled(() => collect(ofTopic(client, topic)), [client, topic]);
  const columns = useMemo(() => columnsOf(words), [words]);
  return (
    <section class="topic-part">
      <header>
        <h2>{words.consumers}</h2>
      </header>
      {isForbidden(error) ? <p class="muted">{words.needsOperate}</p> : <ErrorLine error={error} />}
      {value === undefined ? (
        <Loading unless={error} />
      ) : (
        <Table
          label={words.consumers}
          rows={value.rows}
          isCut={value.isCut}
          columns={columns}
          rowKey={({ number, connection }) => `${connection} ${number}`}
          empty={words.noConsumers}
        />
      )}
    </section>
  );
};
