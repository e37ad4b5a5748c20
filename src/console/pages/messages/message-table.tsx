/**
 * Messages, one below the other.
 */
import { useMemo } from "preact/hooks";
import type { MessageState } from "ringmq/client";
import { bodyPreview } from "../../parts/body-preview.js";
import { bytes, count, moment } from "../../parts/format.js";
import { publishedAt } from "../../parts/message-id.js";
import { Name } from "../../parts/name.js";
import { type Column, Table } from "../../parts/table.js";
import type { ListedMessage } from "./listed-message.js";
import { text, type Words } from "./text.js";

const columnsOf = (
  words: Words,
  state: MessageState | undefined,
  open: (row: ListedMessage) => void,
): readonly Column<ListedMessage>[] => [
  {
    key: "id",
    title: words.id,
    cell: (row) => (
      <button type="button" class="quiet id" onClick={() => open(row)}>
        {row.message.id}
      </button>
    ),
    width: "13.5rem",
  },
  ...(state === undefined
    ? [
        {
          key: "queue",
          title: words.queue,
          cell: ({ queue, state: where }: ListedMessage) => (
            <>
              <Name value={queue} /> <span class="tag">{words.states[where]}</span>
            </>
          ),
          width: "12rem",
          priority: 2 as const,
        },
      ]
    : []),
  {
    key: "published",
    title: words.published,
    cell: ({ message }) => moment(publishedAt(message.id)),
    width: "15.5rem",
    priority: 2,
  },
  // Of ready messages few expire.
  ...(state === "ready" || state === undefined
    ? []
    : [
        {
          key: "time",
          title: words.times[state],
          cell: ({ message }: ListedMessage) => moment(message.time),
          width: "15.5rem",
          priority: 2 as const,
        },
      ]),
  {
    key: "retry",
    title: words.retry,
    cell: ({ message }) => count(message.retry),
    numeric: true,
    width: "5.5rem",
    priority: 3,
  },
  {
    key: "routeKey",
    title: words.routeKey,
    cell: ({ message }) => <Name value={message.routeKey} />,
    width: "8rem",
    priority: 3,
  },
  {
    key: "size",
    title: words.size,
    cell: ({ message }) => bytes(message.body.length),
    numeric: true,
    width: "6.5rem",
    priority: 2,
  },
  {
    key: "body",
    title: words.body,
    cell: ({ message }) => <bdi class="preview">{bodyPreview(message.body)}</bdi>,
  },
];

interface MessageTableProps {
  readonly label: string;
  readonly rows: readonly ListedMessage[];
  /** That of all of them; undefined: each has its own, and its queue. */
  readonly state?: MessageState;
  readonly onOpen: (row: ListedMessage) => void;
  readonly empty: string;
}

export const MessageTable = ({ label, rows, state, onOpen, empty }: MessageTableProps) => {
  const words = text();
  const columns = useMemo(() => columnsOf(words, state, onOpen), [words, state]);
  return (
    <Table
      label={label}
      rows={rows}
      columns={columns}
      rowKey={({ message, queue }) => `${message.id} ${queue}`}
      onOpen={onOpen}
      empty={empty}
    />
  );
};
