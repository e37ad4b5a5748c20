/**
 * The messages of a queue in one state, a page at a time, as they stand there.
 */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Client, MessageState } from "ringmq/client";
import { usePolled } from "../../broker/polled.js";
import { ErrorLine } from "../../parts/error-line.js";
import { count } from "../../parts/format.js";
import { Loading } from "../../parts/loading.js";
import type { ListedMessage } from "./listed-message.js";
import { MessageDialog } from "./message-dialog.js";
import { MessageTable } from "./message-table.js";
import { text } from "./text.js";

/** Messages on a page: fewer where they are large. */
const PAGE = 50;

/** A page, and where it begins. */
interface Shown {
  readonly offset: number;
  readonly rows: readonly ListedMessage[];
}

interface PeekProps {
  readonly client: Client;
  readonly topic: string;
  readonly queue: string;
  readonly state: MessageState;
  /** Counts what was done to them: it is looked anew then. */
  readonly deeds: number;
  /** Something was done. */
  readonly onDone: () => Promise<void>;
  /** How many there are, as far as is known. */
  readonly all: number;
}

export const Peek = ({ client, topic, queue, state, deeds, onDone, all }: PeekProps) => {
  const words = text();
  /** Where the pages before this one begin, and this one. */
  const starts = useSignal<readonly number[]>([0]);
  const opened = useSignal<ListedMessage | undefined>(undefined);
  const offset = starts.value.at(-1) ?? 0;
  const look = async (): Promise<Shown> => {
    const messages = await client.browse(topic, { queue, state, offset, max: PAGE });
    return { offset, rows: messages.map((message) => ({ message, queue, state })) };
  };
  const { value, error, reload } = usePolled(look, [client, topic, queue, state], Number.POSITIVE_INFINITY);
  // What is shown stays until the next has come.
  const isFirst = useRef(true);
  useEffect(() => {
    if (!isFirst.current) void reload();
    isFirst.current = false;
  }, [offset, deeds]);
  if (value === undefined) return error === undefined ? <Loading /> : <ErrorLine error={error} />;
  const { rows } = value;
  const isComing = value.offset !== offset;
  const end = value.offset + rows.length;
  const hasNext = rows.length > 0 && (rows.length === PAGE || end < all);
  return (
    <>
      <ErrorLine error={error} />
      <MessageTable
        label={words.states[state]}
        rows={rows}
        state={state}
        onOpen={(row) => {
          opened.value = row;
        }}
        empty={words.empty}
      />
      <div class="tools pager">
        <button type="button" onClick={() => void reload()}>
          {words.refresh}
        </button>
        <span class="space" />
        <output class="muted">
          {rows.length > 0 && words.page(count(value.offset + 1), count(end), count(Math.max(all, end)))}
        </output>
        <button
          type="button"
          disabled={offset === 0}
          onClick={() => {
            if (!isComing) starts.value = starts.value.slice(0, -1);
          }}
        >
          {words.previous}
        </button>
        <button
          type="button"
          disabled={!hasNext}
          onClick={() => {
            if (!isComing) starts.value = [...starts.value, end];
          }}
        >
          {words.next}
        </button>
      </div>
      {opened.value !== undefined && (
        <MessageDialog
          client={client}
          topic={topic}
          listed={opened.value}
          onDone={onDone}
          onClose={() => {
            opened.value = undefined;
          }}
        />
      )}
    </>
  );
};
