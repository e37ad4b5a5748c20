/**
 * The nodes that are listed: choosing one for the other pages, adding, weighing and removing them.
 */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { node as chosenNode, hrefTo, NODE } from "../../base/route.js";
import { usePolled } from "../../broker/polled.js";
import { session } from "../../broker/session.js";
import { useAction } from "../../parts/action.js";
import { Confirm } from "../../parts/confirm.js";
import { ErrorLine } from "../../parts/error-line.js";
import { Loading } from "../../parts/loading.js";
import { Name } from "../../parts/name.js";
import { PageHead } from "../../parts/page-head.js";
import { type Column, Table } from "../../parts/table.js";
import { AddNode } from "./add-node.js";
import { type ListedNode, readNodes, removeNode, setWeight } from "./listed-nodes.js";
import "./nodes.css";
import { ShowToken } from "./show-token.js";
import { text } from "./text.js";
import { Totals } from "./totals.js";
import { WeightCell } from "./weight-cell.js";

/** A ping of each node is behind an answer. Milliseconds. */
const EVERY = 3_000;

const columnsOf = (
  words: ReturnType<typeof text>,
  save: (node: ListedNode, weight: number) => Promise<boolean>,
  remove: (node: ListedNode) => void,
): readonly Column<ListedNode>[] => [
  {
    key: "id",
    title: words.node,
    cell: ({ id }) => (
      <a href={hrefTo([], { [NODE]: String(id) })} aria-current={chosenNode.value === String(id) ? "true" : undefined}>
        {words.nodeName(id)}
      </a>
    ),
    sort: ({ id }) => id,
    width: "5.5rem",
  },
  {
    key: "health",
    title: words.health,
    cell: ({ healthy }) => <span class={healthy ? "well" : "unwell"}>{healthy ? words.answers : words.isSilent}</span>,
    sort: ({ healthy }) => Number(healthy),
    width: "7.5rem",
  },
  {
    key: "tcp",
    title: words.tcp,
    cell: ({ tcp_addr }) => <Name value={tcp_addr} />,
    sort: ({ tcp_addr }) => tcp_addr,
    priority: 2,
  },
  {
    key: "http",
    title: words.http,
    cell: ({ http_addr }) => <Name value={http_addr} />,
    sort: ({ http_addr }) => http_addr,
    priority: 3,
  },
  {
    key: "weight",
    title: words.weight,
    cell: (node) => <WeightCell node={node} save={save} />,
    sort: ({ weight }) => weight,
    width: "8rem",
  },
  {
    key: "joined",
    title: words.joined,
    cell: ({ join_time }) => <Name value={join_time} />,
    sort: ({ join_time }) => join_time,
    width: "13rem",
    priority: 3,
  },
  {
    key: "remove",
    title: "",
    cell: (node) => (
      <button
        type="button"
        class="quiet icon"
        title={words.remove}
        aria-label={words.removeNode(node.id)}
        onClick={() => remove(node)}
      >
        ✕
      </button>
    ),
    width: "3.5rem",
  },
];

export const Page = () => {
  const words = text();
  const { value, error, reload } = usePolled(readNodes, [session.value?.user], EVERY);
  const weighing = useAction(async ({ tcp_addr }: ListedNode, weight: number) => {
    await setWeight(tcp_addr, weight);
    await reload();
  });
  const isAdding = useSignal(false);
  const isShowing = useSignal(false);
  const removing = useSignal<ListedNode | undefined>(undefined);
  const columns = useMemo(
    () =>
      columnsOf(words, weighing.run, (node) => {
        removing.value = node;
      }),
    [words],
  );
  const { value: leaving } = removing;
  const goTo = ({ id }: ListedNode): void => {
    location.hash = hrefTo([], { [NODE]: String(id) });
  };
  return (
    <>
      <PageHead title={words.title}>
        {session.value?.user === null && (
          <button
            type="button"
            onClick={() => {
              isShowing.value = true;
            }}
          >
            {words.showToken}
          </button>
        )}
        <button
          type="button"
          class="primary"
          disabled={value === undefined}
          onClick={() => {
            isAdding.value = true;
          }}
        >
          {words.addTitle}
        </button>
      </PageHead>
      <ErrorLine error={error ?? weighing.error} />
      {value === undefined ? (
        <Loading unless={error} />
      ) : (
        <>
          <p class="muted">
            {words.listedBy} <Name value={value.list.name} />
          </p>
          {value.nodes.length > 0 && <Totals nodes={value.nodes} user={session.value?.user} />}
          <Table
            label={words.title}
            rows={value.nodes}
            columns={columns}
            rowKey={({ id }) => id}
            searched={({ id, tcp_addr, http_addr }) => `${id} ${tcp_addr} ${http_addr}`}
            onOpen={goTo}
            empty={words.empty}
          />
        </>
      )}
      {isAdding.value && value !== undefined && (
        <AddNode
          kind={value.list.kind}
          added={reload}
          onClose={() => {
            isAdding.value = false;
          }}
        />
      )}
      {isShowing.value && (
        <ShowToken
          onClose={() => {
            isShowing.value = false;
          }}
        />
      )}
      {leaving !== undefined && (
        <Confirm
          title={words.removeNode(leaving.id)}
          deed={words.remove}
          name={leaving.tcp_addr}
          act={async () => {
            await removeNode(leaving.tcp_addr);
            await reload();
          }}
          onClose={() => {
            removing.value = undefined;
          }}
        >
          <p>{words.removeText}</p>
          {leaving.healthy && <p>{words.removeRunning}</p>}
        </Confirm>
      )}
    </>
  );
};
