/**
 * Looks for messages of a topic: for one by its id or its key, wherever it is, or for all of a queue that have something.
 */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Client, FindOptions, MessageSearch } from "ringmq/client";
import { useAction } from "../../parts/action.js";
import { ErrorLine } from "../../parts/error-line.js";
import { CheckField, SelectField, TextField } from "../../parts/fields.js";
import { bytes, count } from "../../parts/format.js";
import { visible } from "../../parts/name.js";
import type { ListedMessage } from "./listed-message.js";
import { text } from "./text.js";

const KINDS = ["id", "key", "text", "header", "route"] as const;

type Kind = (typeof KINDS)[number];

/** Messages that are looked at before the reader is asked whether to go on. */
const SCAN = 200_000;

/** Messages that are found before that. */
const ENOUGH = 100;

/** Found ones that are shown, at most: who needs more looks for something else. */
const MOST = 1_000;

/** How far a search has come. */
interface Progress {
  readonly scanned: number;
  readonly scannedBytes: number;
  readonly isOver: boolean;
}

interface SearchProps {
  readonly client: Client;
  readonly topic: string;
  /** The queue that is looked through. */
  readonly queue: string;
  /** What was found so far; undefined: the search is over with. */
  readonly onFound: (rows: readonly ListedMessage[] | undefined) => void;
  readonly found: readonly ListedMessage[] | undefined;
}

export const Search = ({ client, topic, queue, onFound, found }: SearchProps) => {
  const words = text();
  const kind = useSignal<Kind>("id");
  const name = useSignal("");
  const wanted = useSignal("");
  const ignoresCase = useSignal(false);
  const progress = useSignal<Progress | undefined>(undefined);
  const search = useRef<MessageSearch | undefined>(undefined);
  /** What was asked for last: an older search that is still on its way is left. */
  const round = useRef(0);

  const lookUp = async (): Promise<void> => {
    const value = wanted.value.trim();
    const one = await client.lookup(topic, kind.value === "key" ? { key: value } : value);
    onFound(one?.copies.map((copy) => ({ message: one, queue: copy.queue, state: copy.state })) ?? []);
  };

  const options = (): FindOptions => {
    const { value } = wanted;
    switch (kind.value) {
      case "header":
        return { queue, header: { name: name.value, ...(value !== "" && { value }) } };
      case "route":
        return { queue, routeKey: value };
      default:
        return { queue, text: value, ...(ignoresCase.value && { ignoreCase: true }) };
    }
  };

  /** On from where it stands, until enough is found, or was looked at. */
  const goOn = async (from: MessageSearch, before: readonly ListedMessage[]): Promise<void> => {
    const own = round.current;
    const end = from.scanned + SCAN;
    const rows = [...before];
    const enough = Math.min(MOST, rows.length + ENOUGH);
    while (!from.isOver && from.scanned < end && rows.length < enough) {
      const page = await from.page();
      if (own !== round.current) return;
      rows.push(...page.map((message) => ({ message, queue: message.queue, state: message.state })));
      progress.value = { scanned: from.scanned, scannedBytes: from.scannedBytes, isOver: from.isOver };
      onFound([...rows]);
    }
  };

  const begin = useAction(async () => {
    search.current = undefined;
    progress.value = undefined;
    if (kind.value === "id" || kind.value === "key") return lookUp();
    const next = client.find(topic, options());
    search.current = next;
    await goOn(next, []);
  });
  const further = useAction(async () => {
    if (search.current !== undefined) await goOn(search.current, found ?? []);
  });
  const leave = (): void => {
    round.current += 1;
    search.current = undefined;
    progress.value = undefined;
    begin.forget();
    further.forget();
    onFound(undefined);
  };
  // Another queue is another search.
  const isFirst = useRef(true);
  useEffect(() => {
    if (!isFirst.current) leave();
    isFirst.current = false;
    return () => {
      round.current += 1;
    };
  }, [queue]);

  const isRunning = begin.isRunning || further.isRunning;
  const needsValue = kind.value !== "header";
  const isWhole = needsValue ? wanted.value !== "" : name.value !== "";
  const { value: at } = progress;
  return (
    <form
      class="search-form"
      aria-label={words.search}
      onSubmit={(event) => {
        event.preventDefault();
        round.current += 1;
        void begin.run();
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
      {kind.value === "header" && (
        <TextField
          label={words.headerName}
          value={name.value}
          onInput={(next) => {
            name.value = next;
          }}
        />
      )}
      <TextField
        label={words.value}
        placeholder={needsValue ? "" : words.anyValue}
        value={wanted.value}
        onInput={(next) => {
          wanted.value = next;
          begin.forget();
        }}
      />
      {kind.value === "text" && (
        <CheckField
          label={words.ignoreCase}
          value={ignoresCase.value}
          onInput={(next) => {
            ignoresCase.value = next;
          }}
        />
      )}
      <button type="submit" disabled={!isWhole || isRunning}>
        {words.search}
      </button>
      {found !== undefined && (
        <button type="button" class="quiet" onClick={leave}>
          {words.clear}
        </button>
      )}
      {at !== undefined && (
        <p class="tools scanned">
          <output class="muted">
            {words.scanned(count(found?.length ?? 0), count(at.scanned), bytes(at.scannedBytes), visible(queue))}{" "}
            {at.isOver ? words.scannedAll : isRunning ? words.searching : words.scannedPart}
          </output>
          {!at.isOver && !isRunning && (found?.length ?? 0) < MOST && (
            <button type="button" onClick={() => void further.run()}>
              {words.goOn}
            </button>
          )}
        </p>
      )}
      <ErrorLine error={begin.error ?? further.error} />
    </form>
  );
};
