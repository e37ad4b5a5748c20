/**
 * What a connection takes messages from, and what it holds.
 */
import { useMemo } from "preact/hooks";
import type { Client, ConnectionInfo, ConsumerInfo } from "ringmq/client";
import { hrefTo } from "../../base/route.js";
import { collect, usePolled } from "../../broker/polled.js";
import { Dialog } from "../../parts/dialog.js";
import { ErrorLine } from "../../parts/error-line.js";
import { bytes, count } from "../../parts/format.js";
import { Loading } from "../../parts/loading.js";
import { Name } from "../../parts/name.js";
import { type Column, Table } from "../../parts/table.js";
import { text } from "./text.js";

type Words = ReturnType<typeof text>;

async function* consumersOf(client: Client, id: number): AsyncGenerator<ConsumerInfo> {
  for await (const consumer of client.consumers()) if (consumer.connection === id) yield consumer;
}

const columnsOf = (words: Words): readonly Column<ConsumerInfo>[] => [
  {
    key: "topic",
    title: words.topic,
    cell: ({ topic }) => <Name value={topic} href={hrefTo(["topics", topic])} />,
    sort: ({ topic }) => topic,
  },
  {
    key: "queue",
    title: words.queue,
    cell: ({ topic, queue }) => <Name value={queue} href={hrefTo(["topics", topic, "explain"], { queue })} />,
    sort: ({ queue }) => queue,
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
    key: "credit",
    title: words.credit,
    cell: ({ credit }) => count(credit),
    sort: ({ credit }) => credit,
    numeric: true,
    width: "6rem",
    priority: 2,
  },
  {
    key: "state",
    title: words.state,
    cell: ({ state, pop }) => (
      <span class={state === "waiting" ? "tag" : "tag warn"}>{pop ? words.pop : (words.states[state] ?? state)}</span>
    ),
    sort: ({ state }) => state,
    width: "8rem",
    priority: 2,
  },
];

interface ConsumersDialogProps {
  readonly client: Client;
  /** The id of the connection. */
  readonly id: number;
  /** Undefined: it is not there any more. */
  readonly connection: ConnectionInfo | undefined;
  readonly onClose: () => void;
}

export const ConsumersDialog = ({ client, id, connection, onClose }: ConsumersDialogProps) => {
  const words = text();
  const { value, error } = usePolled(() => collect(consumersOf(client, id)), [client, id]);
  const columns = useMemo(() => columnsOf(words), [words]);
  return (
    <Dialog title={words.consumersTitle(id)} onClose={onClose} wide>
      <div class="connection">
        {connection === undefined ? (
          <p class="muted">{words.away}</p>
        ) : (
          <p>
            <Name value={connection.name} /> <span class="muted">{connection.address}</span>{" "}
            {connection.held && <mark>{words.held}</mark>}
          </p>
        )}
        {connection !== undefined && (
          <dl class="facts">
            <dt>{words.unanswered}</dt>
            <dd>{count(connection.unanswered)}</dd>
            <dt>{words.waiting}</dt>
            <dd>{bytes(connection.waitingBytes)}</dd>
            <dt>{words.unsent}</dt>
            <dd>{bytes(connection.unsentBytes)}</dd>
            <dt>{words.subscriptions}</dt>
            <dd>{count(connection.subscriptions)}</dd>
          </dl>
        )}
        <ErrorLine error={error} />
        {value === undefined ? (
          <Loading unless={error} />
        ) : (
          <Table
            label={words.consumersTitle(id)}
            rows={value.rows}
            isCut={value.isCut}
            columns={columns}
            rowKey={({ topic, queue, number }) => `${number} ${topic} ${queue}`}
            empty={words.noConsumers}
          />
        )}
      </div>
    </Dialog>
  );
};
