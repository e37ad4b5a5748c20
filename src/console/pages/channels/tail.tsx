/**
 * What is published to a channel, as it comes.
 */
import { useSignal } from "@preact/signals";
import { useCallback, useId, useMemo } from "preact/hooks";
import type { Client } from "ringmq/client";
import { bodyPreview } from "../../parts/body-preview.js";
import { BodyView } from "../../parts/body-view.js";
import { Dialog } from "../../parts/dialog.js";
import { ErrorLine } from "../../parts/error-line.js";
import { bytes, clock, count, moment, rate } from "../../parts/format.js";
import { HeaderList } from "../../parts/header-list.js";
import { SearchField } from "../../parts/search-field.js";
import { type Column, Table } from "../../parts/table.js";
import type { TailLine } from "./tail-buffer.js";
import { text } from "./text.js";
import { MOST_LINES, type Tail as TailState, useTail } from "./use-tail.js";

type Words = ReturnType<typeof text>;

const columnsOf = (words: Words, open: (line: TailLine) => void): readonly Column<TailLine>[] => [
  { key: "time", title: words.time, cell: ({ time }) => clock(time), width: "6rem" },
  {
    key: "position",
    title: words.position,
    cell: ({ position }) => count(position),
    numeric: true,
    width: "8rem",
    priority: 2,
  },
  {
    key: "size",
    title: words.size,
    cell: ({ size }) => bytes(size),
    numeric: true,
    width: "6.5rem",
    priority: 2,
  },
  { key: "body", title: words.body, cell: ({ body }) => <bdi class="preview">{bodyPreview(body)}</bdi> },
  {
    key: "open",
    title: "",
    cell: (line) => (
      <button type="button" class="quiet" onClick={() => open(line)}>
        {words.open}
      </button>
    ),
    width: "5rem",
  },
];

const LineDialog = ({ line, onClose }: { readonly line: TailLine; readonly onClose: () => void }) => {
  const words = text();
  const { position, id, time, size, body, readHeaders } = line;
  return (
    <Dialog title={words.message(count(position))} onClose={onClose} wide>
      <div class="line">
        <dl class="facts">
          <dt>{words.time}</dt>
          <dd>{moment(time)}</dd>
          {id !== undefined && (
            <>
              <dt>{words.id}</dt>
              <dd>{id}</dd>
            </>
          )}
        </dl>
        {size > body.length && <p class="muted">{words.cut(bytes(body.length), bytes(size))}</p>}
        <BodyView bytes={body} fileName={`message-${position}`} />
        <HeaderList read={readHeaders} />
      </div>
    </Dialog>
  );
};

/** What has passed, in numbers. */
const Passed = ({ tail: { buffer, rate: perSecond, lost }, isFiltered }: { tail: TailState; isFiltered: boolean }) => {
  const words = text();
  const parts = [
    words.passed(count(buffer.passed), rate(perSecond)),
    ...(isFiltered ? [words.matched(count(buffer.matched))] : []),
    ...(buffer.lines.length === MOST_LINES ? [words.shown(count(MOST_LINES))] : []),
    ...(lost > 0 ? [words.lost(count(lost))] : []),
  ];
  return <output class="muted">{parts.join(" · ")}</output>;
};

const FROM = [0, 50, 500] as const;

interface TailProps {
  readonly client: Client;
  readonly channel: string;
}

export const Tail = (props: TailProps) => {
  const words = text();
  const id = useId();
  const last = useSignal<number>(0);
  const isPaused = useSignal(false);
  const isNewestFirst = useSignal(true);
  const filter = useSignal("");
  const open = useSignal<TailLine | undefined>(undefined);
  const tail = useTail({ ...props, last: last.value, isPaused: isPaused.value, filter: filter.value });
  const show = useCallback((line: TailLine) => {
    open.value = line;
  }, []);
  const columns = useMemo(() => columnsOf(words, show), [words]);
  const { lines } = tail.buffer;
  const rows = useMemo(() => (isNewestFirst.value ? [...lines].reverse() : lines), [lines, isNewestFirst.value]);
  return (
    <section class="tail" aria-label={words.tail}>
      <div class="tools">
        <h2>{words.tail}</h2>
        <SearchField
          value={filter.value}
          controls={id}
          onInput={(value) => {
            filter.value = value;
          }}
        />
        <select
          aria-label={words.from}
          value={String(last.value)}
          onInput={(event) => {
            last.value = Number(event.currentTarget.value);
          }}
        >
          {FROM.map((each) => (
            <option key={each} value={each}>
              {each === 0 ? words.now : words.lastOnes(count(each))}
            </option>
          ))}
        </select>
        <select
          aria-label={words.newest}
          value={String(isNewestFirst.value)}
          onInput={(event) => {
            isNewestFirst.value = event.currentTarget.value === "true";
          }}
        >
          <option value="true">
            {words.newest} {words.top}
          </option>
          <option value="false">
            {words.newest} {words.bottom}
          </option>
        </select>
        <button
          type="button"
          aria-pressed={isPaused.value}
          onClick={() => {
            isPaused.value = !isPaused.value;
          }}
        >
          {isPaused.value ? words.goOn : words.pause}
        </button>
        <button type="button" onClick={() => tail.buffer.clear()}>
          {words.clear}
        </button>
        <span class="space" />
        <Passed tail={tail} isFiltered={filter.value !== ""} />
      </div>
      {isPaused.value && <p class="muted">{words.paused}</p>}
      <ErrorLine error={tail.error} />
      <div id={id} class="tail-lines">
        <Table
          label={words.tail}
          rows={rows}
          columns={columns}
          rowKey={({ number }) => number}
          onOpen={show}
          follow={!isNewestFirst.value}
          empty={words.nothing}
        />
      </div>
      {open.value !== undefined && (
        <LineDialog
          line={open.value}
          onClose={() => {
            open.value = undefined;
          }}
        />
      )}
    </section>
  );
};
