/**
 * The messages of a queue in one state, a page at a time, as they stand there.
 */
import { useSignal } from "@preact/signals";
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

interface PeekProps {
  readonly client: Client;
  readonly topic: string;
  readonly queue: string;
  readonly state: MessageState;
  /** Counts what was done to them: it is looked anew then. */
  readonly deeds: number;
  /** How many there are, as far as is known. */
  readonly all: number;
}

export const Peek = ({ client, topic, queue, state, deeds, all }: PeekProps) => {
  const words = text();
  /** Where the pages before this one begin, and this one. */
  const starts = useSignal<readonly number[]>([0]);
  const opened = useSignal<ListedMessage | undefined>(undefined);
  const offset = starts.value.at(-1) ?? 0;
  const look = async (): Promise<readonly ListedMessage[]> => {
    const messages = await client.browse(topic, { queue, state, offset, max: PAGE });
    return messages.map((message) => ({ message, queue, state }));
  };
  const { value, error, reload } = usePolled(
    look,
    [client, topic, queue, state, offset, deeds],
    Number.POSITIVE_INFINITY,
  );
  if (value === undefined) return error === undefined ? <Loading /> : <ErrorLine error={error} />;
  const end = offset + value.length;
  const hasNext = value.length > 0 && (value.length === PAGE || end < all);
  return (
    <>
      <ErrorLine error={error} />
      <MessageTable
        label={words.states[state]}
        rows={value}
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
          {value.length > 0 && words.page(count(offset + 1), count(end), count(Math.max(all, end)))}
        </output>
        <button
          type="button"
          disabled={offset === 0}
          onClick={() => {
            starts.value = starts.value.slice(0, -1);
          }}
        >
          {words.previous}
        </button>
        <button
          type="button"
          disabled={!hasNext}
          onClick={() => {
            starts.value = [...starts.value, end];
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
          onDone={reload}
          onClose={() => {
            opened.value = undefined;
          }}
        />
      )}
    </>
  );
};
