/**
 * Looks for messages of a topic.
 */
import { useSignal } from "@preact/signals";
import type { Client } from "ringmq/client";
import { useAction } from "../../parts/action.js";
import { ErrorLine } from "../../parts/error-line.js";
import { SelectField, TextField } from "../../parts/fields.js";
import type { ListedMessage } from "./listed-message.js";
import { text } from "./text.js";

const KINDS = ["id", "key"] as const;

type Kind = (typeof KINDS)[number];

interface SearchProps {
  readonly client: Client;
  readonly topic: string;
  /** What was found, in each queue that has it; undefined: the search is over. */
  readonly onFound: (rows: readonly ListedMessage[] | undefined) => void;
  readonly isFound: boolean;
}

export const Search = ({ client, topic, onFound, isFound }: SearchProps) => {
  const words = text();
  const kind = useSignal<Kind>("id");
  const wanted = useSignal("");
  const { run, isRunning, error, forget } = useAction(async () => {
    const value = wanted.value.trim();
    const found = await client.lookup(topic, kind.value === "key" ? { key: value } : value);
    onFound(found?.copies.map(({ queue, state }) => ({ message: found, queue, state })) ?? []);
  });
  return (
    <form
      class="search-form"
      aria-label={words.search}
      onSubmit={(event) => {
        event.preventDefault();
        void run();
      }}
    >
      <SelectField
        label={words.searchFor}
        value={kind.value}
        options={KINDS.map((each) => [each, words.kinds[each]] as const)}
        onInput={(next) => {
          kind.value = next;
        }}
      />
      <TextField
        label={words.value}
        value={wanted.value}
        onInput={(next) => {
          wanted.value = next;
          forget();
        }}
      />
      <button type="submit" disabled={wanted.value === "" || isRunning}>
        {words.search}
      </button>
      {isFound && (
        <button type="button" class="quiet" onClick={() => onFound(undefined)}>
          {words.clear}
        </button>
      )}
      <ErrorLine error={error} />
    </form>
  );
};
