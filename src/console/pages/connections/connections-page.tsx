/**
 * The connections of the broker, and closing one.
 */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { ConnectionInfo } from "ringmq/client";
import type { PageProps } from "../../base/page.js";
import { goTo, hrefTo, route } from "../../base/route.js";
import { collect, usePolled } from "../../broker/polled.js";
import { Confirm } from "../../parts/confirm.js";
import { ErrorLine } from "../../parts/error-line.js";
import { age, bytes, count } from "../../parts/format.js";
import { Loading } from "../../parts/loading.js";
import { Name } from "../../parts/name.js";
import { PageHead } from "../../parts/page-head.js";
import { type Column, Table } from "../../parts/table.js";
import "./connections.css";
import { ConsumersDialog } from "./consumers-dialog.js";
import { text } from "./text.js";

type Words = ReturnType<typeof text>;

type Close = (connection: ConnectionInfo) => void;

/** The address tells which is open: it can be sent to somebody, and the browser's way back closes it. */
const open = (id: number): void => goTo(hrefTo(["connections"], { id: String(id) }));

const userColumn = (words: Words): Column<ConnectionInfo> => ({
  key: "user",
  title: words.user,
  cell: ({ user }) => <Name value={user} />,
  sort: ({ user }) => user,
  width: "7rem",
  priority: 3,
});

/** Who has shown to be somebody is told where anybody has. */
const columnsOf = (words: Words, hasUsers: boolean, close: Close): readonly Column<ConnectionInfo>[] => [
  { key: "id", title: words.id, cell: ({ id }) => id, sort: ({ id }) => id, numeric: true, width: "4.5rem" },
  {
    key: "client",
    title: words.client,
    cell: ({ name, held }) => (
      <>
        <Name value={name} />
        {held && <mark title={words.held}>{words.isHeld}</mark>}
      </>
    ),
    sort: ({ name }) => name,
  },
  ...(hasUsers ? [userColumn(words)] : []),
  {
    key: "protocol",
    title: words.protocol,
    cell: ({ protocol }) => protocol,
    sort: ({ protocol }) => protocol,
    width: "7rem",
    priority: 2,
  },
  {
    key: "address",
    title: words.address,
    cell: ({ address }) => <Name value={address} />,
    sort: ({ address }) => address,
    width: "12rem",
    priority: 2,
  },
  {
    key: "open",
    title: words.open,
    cell: ({ since }) => age(Date.now() - since),
    sort: ({ since }) => -since,
    numeric: true,
    width: "7rem",
    priority: 3,
  },
  {
    key: "consumers",
    title: words.consumers,
    cell: ({ id, consumers, subscriptions }) =>
      consumers + subscriptions === 0 ? (
        count(0)
      ) : (
        <button type="button" class="quiet" onClick={() => open(id)}>
          {count(consumers + subscriptions)}
        </button>
      ),
    sort: ({ consumers, subscriptions }) => consumers + subscriptions,
    numeric: true,
    width: "7.5rem",
    priority: 2,
  },
  {
    key: "received",
    title: words.received,
    cell: ({ receivedRate }) => bytes(receivedRate),
    sort: ({ receivedRate }) => receivedRate,
    numeric: true,
    width: "6.5rem",
    priority: 2,
  },
  {
    key: "sent",
    title: words.sent,
    cell: ({ sentRate }) => bytes(sentRate),
    sort: ({ sentRate }) => sentRate,
    numeric: true,
    width: "6.5rem",
    priority: 2,
  },
  {
    key: "unsent",
    title: words.unsent,
    cell: ({ unsentBytes, held }) => (held ? <mark title={words.held}>{bytes(unsentBytes)}</mark> : bytes(unsentBytes)),
    sort: ({ unsentBytes }) => unsentBytes,
    numeric: true,
    width: "6.5rem",
    priority: 3,
  },
  {
    key: "close",
    title: "",
    cell: (connection) => (
      <button type="button" class="quiet" onClick={() => close(connection)}>
        {words.close}
      </button>
    ),
    width: "5rem",
  },
];

export const Page = ({ client }: PageProps) => {
  const words = text();
  const { value, error, reload } = usePolled(() => collect(client.connections()), [client]);
  const closing = useSignal<ConnectionInfo | undefined>(undefined);
  const opened = Number(route.value.query.get("id")) || undefined;
  const hasUsers = value?.rows.some(({ user }) => user !== "") === true;
  const columns = useMemo(() => {
    const close: Close = (connection) => {
      closing.value = connection;
    };
    return columnsOf(words, hasUsers, close);
  }, [words, hasUsers]);
  const { value: chosen } = closing;
  return (
    <>
      <PageHead title={words.title} />
      <ErrorLine error={error} permission="operate" />
      {value === undefined ? (
        <Loading unless={error} />
      ) : (
        <Table
          label={words.title}
          rows={value.rows}
          isCut={value.isCut}
          columns={columns}
          rowKey={({ id }) => id}
          searched={({ id, name, user, protocol, address }) => `${id} ${name} ${user} ${protocol} ${address}`}
          onOpen={({ id }) => open(id)}
          empty={words.empty}
        />
      )}
      {opened !== undefined && value !== undefined && (
        <ConsumersDialog
          key={opened}
          client={client}
          id={opened}
          connection={value.rows.find(({ id }) => id === opened)}
          onClose={() => goTo(hrefTo(["connections"]))}
        />
      )}
      {chosen !== undefined && (
        <Confirm
          title={words.closeTitle(chosen.id)}
          deed={words.close}
          act={async () => {
            const wasOpen = await client.closeConnection(chosen.id);
            await reload();
            if (!wasOpen) throw new Error(words.gone);
          }}
          onClose={() => {
            closing.value = undefined;
          }}
        >
          <p>
            <Name value={chosen.name} /> {chosen.address}
          </p>
          <p>{words.closeText}</p>
        </Confirm>
      )}
    </>
  );
};
