/**
 * The queues of a topic, and what can be done with each.
 */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Client, QueueStatistics } from "ringmq/client";
import { goTo, hrefTo } from "../../base/route.js";
import { useAction } from "../../parts/action.js";
import { ErrorLine } from "../../parts/error-line.js";
import { bytes, count, rate } from "../../parts/format.js";
import { Name } from "../../parts/name.js";
import { type Column, Table } from "../../parts/table.js";
import { DeclareQueue, DeleteQueue, ManageQueue, PurgeQueue } from "./queue-dialogs.js";
import { text, type Words } from "./text.js";

/** What is done with a queue in a dialog. */
type Deed = "manage" | "purge" | "delete";

interface Deeds {
  readonly begin: (deed: Deed, queue: QueueStatistics) => void;
  readonly toggle: (queue: QueueStatistics) => void;
}

type Number = "ready" | "inFlight" | "delayed" | "consumers";

const numberOf = (key: Number, title: string, priority: 1 | 2 | 3): Column<QueueStatistics> => ({
  key,
  title,
  cell: (queue) => count(queue[key]),
  sort: (queue) => queue[key],
  numeric: true,
  width: "6.5rem",
  priority,
});

const columnsOf = (words: Words, topic: string, { begin, toggle }: Deeds): readonly Column<QueueStatistics>[] => [
  {
    key: "queue",
    title: words.queue,
    cell: ({ bindKey, paused, braked, rate: allowed }) => (
      <>
        <Name value={bindKey} href={hrefTo(["topics", topic, "messages"], { queue: bindKey })} />{" "}
        {paused && <span class="tag warn">{words.paused}</span>}
        {braked && <span class="tag bad">{words.braked(rate(allowed))}</span>}
      </>
    ),
    sort: ({ bindKey }) => bindKey,
  },
  numberOf("ready", words.ready, 1),
  numberOf("inFlight", words.inFlight, 2),
  numberOf("delayed", words.delayed, 2),
  {
    key: "dead",
    title: words.dead,
    cell: ({ bindKey, deadLetters }) =>
      deadLetters === 0 ? (
        "0"
      ) : (
        <a href={hrefTo(["topics", topic, "dead"], { queue: bindKey })}>{count(deadLetters)}</a>
      ),
    sort: ({ deadLetters }) => deadLetters,
    numeric: true,
    width: "5.5rem",
  },
  {
    key: "bytes",
    title: words.bytes,
    cell: ({ bytes: size }) => bytes(size),
    sort: ({ bytes: size }) => size,
    numeric: true,
    width: "6.5rem",
    priority: 3,
  },
  { ...numberOf("consumers", words.consumers, 3), width: "7.5rem" },
  {
    key: "pause",
    title: "",
    cell: (queue) => (
      <button type="button" class="quiet" onClick={() => toggle(queue)}>
        {queue.paused ? words.resume : words.pause}
      </button>
    ),
    width: "6rem",
    priority: 2,
  },
  {
    key: "manage",
    title: "",
    cell: (queue) => (
      <button type="button" class="quiet" onClick={() => begin("manage", queue)}>
        {words.manage}
      </button>
    ),
    width: "6rem",
  },
];

interface QueuesProps {
  readonly client: Client;
  readonly topic: string;
  readonly queues: readonly QueueStatistics[];
  readonly reload: () => Promise<void>;
}

export const Queues = ({ client, topic, queues, reload }: QueuesProps) => {
  const words = text();
  const open = useSignal<{ readonly deed: Deed; readonly queue: QueueStatistics } | undefined>(undefined);
  const isDeclaring = useSignal(false);
  const { run, error } = useAction(async ({ bindKey, paused }: QueueStatistics) => {
    await (paused ? client.resume(topic, { queue: bindKey }) : client.pause(topic, { queue: bindKey }));
    await reload();
  });
  const columns = useMemo(() => {
    const begin: Deeds["begin"] = (deed, queue) => {
      open.value = { deed, queue };
    };
    return columnsOf(words, topic, { begin, toggle: (queue) => void run(queue) });
  }, [words, topic]);
  const about = {
    client,
    topic,
    reload,
    onClose: () => {
      open.value = undefined;
      isDeclaring.value = false;
    },
  };
  const { value: chosen } = open;
  return (
    <section class="topic-part">
      <header>
        <h2>{words.queues}</h2>
        <button
          type="button"
          onClick={() => {
            isDeclaring.value = true;
          }}
        >
          {words.declare}
        </button>
      </header>
      <ErrorLine error={error} />
      <Table
        label={words.queues}
        rows={queues}
        columns={columns}
        rowKey={({ bindKey }) => bindKey}
        onOpen={({ bindKey }) => goTo(hrefTo(["topics", topic, "messages"], { queue: bindKey }))}
        empty={words.noQueues}
      />
      {chosen?.deed === "manage" && (
        <ManageQueue
          {...about}
          queue={chosen.queue}
          onPurge={() => {
            open.value = { deed: "purge", queue: chosen.queue };
          }}
          onDelete={() => {
            open.value = { deed: "delete", queue: chosen.queue };
          }}
        />
      )}
      {chosen?.deed === "purge" && <PurgeQueue {...about} queue={chosen.queue} />}
      {chosen?.deed === "delete" && <DeleteQueue {...about} queue={chosen.queue} />}
      {isDeclaring.value && <DeclareQueue {...about} />}
    </section>
  );
};
