/**
 * A table of any length: it is sorted, searched and walked through with the keyboard, and only the rows that are to be seen are drawn.
 *
 * All rows are equally high. Keys, on a row: arrows, Page Up and Down, Home and End move; Enter opens what the row is about; `/`
 * anywhere goes to the search.
 */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useId, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { keep, kept } from "../base/kept.js";
import { fitting } from "./fitting.js";
import { count } from "./format.js";
import { SearchField } from "./search-field.js";
import { type Sorting, sorted } from "./sorting.js";
import "./table.css";
import { text } from "./text.js";

export interface Column<R> {
  readonly key: string;
  readonly title: string;
  readonly cell: (row: R) => ComponentChildren;
  /** What it is sorted by; without it, it is not. */
  readonly sort?: (row: R) => string | number;
  /** Aligned at the right, and sorted from the largest first. */
  readonly numeric?: boolean;
  /** In rem, `7rem`; default: an equal share of what is left. */
  readonly width?: string;
  /** Where there is no room for all, 3 is left out first, then 2. Default 1: always there. */
  readonly priority?: 1 | 2 | 3;
}

interface TableProps<R> {
  /** What the rows are, for those who do not see the page. */
  readonly label: string;
  readonly rows: readonly R[];
  readonly columns: readonly Column<R>[];
  readonly rowKey: (row: R) => string | number;
  /** What is searched: without it there is no search. */
  readonly searched?: (row: R) => string;
  /** How it is sorted at first: a column's key. Default: as the rows come. */
  readonly order?: Sorting;
  /** Enter on a row, or a double click. */
  readonly onOpen?: (row: R) => void;
  /** Called with the rows that are drawn, whenever they are others. */
  readonly onSight?: (rows: readonly R[]) => void;
  /** There are more rows than `rows`. */
  readonly isCut?: boolean;
  /** What is there in place of rows when there are none. */
  readonly empty: ComponentChildren;
  /** The most rows that are to be seen at once. Default: as many as there is room for. */
  readonly most?: number;
  /** The end stays in sight as rows are added there, unless the reader has scrolled away from it. Default false. */
  readonly follow?: boolean;
  /** Beside the search; a function gets the rows that match it. */
  readonly tools?: ComponentChildren | ((found: readonly R[]) => ComponentChildren);
}

/** What the reader has chosen: it is there again when they come back. */
interface Choice {
  readonly search: string;
  readonly sorting: Sorting | undefined;
}

/** The height of a row, in px, as in table.css. */
const ROW = 34;

/** Rows drawn above and below those that are to be seen. */
const SPARE = 8;

/** Rows that are to be seen however little room a page has for its table. */
const FEWEST = 8;

/** The height of the search, with the room below it, in px. */
const TOOLS = 40;

/** Rows that are to be seen before the browser has told how many there is room for. */
const FIRST_ROOM = 40;

/** That of a row which is cut off: it tells that there are more. */
const PART = 0.6;

const classOf = <R,>({ numeric }: Column<R>): string | undefined => (numeric === true ? "numeric" : undefined);

/** Of the page's letters, in px. */
const rem = (): number => Number.parseFloat(getComputedStyle(document.documentElement).fontSize);

interface HeadCellProps<R> {
  readonly column: Column<R>;
  readonly direction: "ascending" | "descending" | "none";
  readonly onSort: () => void;
}

const HeadCell = <R,>({ column, direction, onSort }: HeadCellProps<R>) => {
  const { title, sort } = column;
  // A column of buttons has no head.
  if (title === "") return <td class={classOf(column)} />;
  if (sort === undefined) {
    return (
      <th scope="col" class={classOf(column)}>
        {title}
      </th>
    );
  }
  return (
    <th scope="col" class={classOf(column)} aria-sort={direction}>
      <button type="button" title={text().sortBy(title)} onClick={onSort}>
        {title}
      </button>
    </th>
  );
};

export const Table = <R,>({
  label,
  rows,
  columns: all,
  rowKey,
  searched,
  order,
  onOpen,
  onSight,
  isCut = false,
  most,
  follow = false,
  empty,
  tools,
}: TableProps<R>) => {
  const chosen = useMemo(() => kept<Choice>(label), []);
  const search = useSignal(chosen?.search ?? "");
  const sorting = useSignal<Sorting | undefined>(chosen?.sorting ?? order);
  const keepChoice = (): void => keep(label, { search: search.value, sorting: sorting.value } satisfies Choice);
  const top = useSignal(0);
  const room = useSignal(FIRST_ROOM);
  const width = useSignal(Number.POSITIVE_INFINITY);
  const current = useSignal(0);
  const box = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const id = useId();

  const columns = useMemo(() => fitting(all, width.value), [all, width.value]);

  const shown = useMemo(() => {
    const wanted = search.value.trim().toLowerCase();
    const found =
      wanted === "" || searched === undefined
        ? rows
        : rows.filter((row) => searched(row).toLowerCase().includes(wanted));
    const by = all.find(({ key }) => key === sorting.value?.key)?.sort;
    return by === undefined || sorting.value === undefined ? found : sorted(found, by, sorting.value.descending);
  }, [rows, all, search.value, sorting.value]);

  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const measure = (): void => {
      room.value = Math.ceil(element.clientHeight / ROW);
      width.value = element.clientWidth / rem();
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const first = Math.max(0, Math.min(Math.floor(top.value / ROW), shown.length - room.value) - SPARE);
  const last = Math.min(shown.length, first + room.value + 2 * SPARE);

  useEffect(() => {
    onSight?.(shown.slice(first, last));
  }, [shown, first, last]);

  // When rows come or go, those in sight stay where they are.
  const before = useRef<{ readonly shown: readonly R[]; readonly sorting: unknown; readonly search: string }>(
    undefined,
  );
  useLayoutEffect(() => {
    const { current: earlier } = before;
    before.current = { shown, sorting: sorting.value, search: search.value };
    const element = box.current;
    if (element === null || earlier === undefined || earlier.shown === shown) return;
    if (earlier.sorting !== sorting.value || earlier.search !== search.value) {
      // Another order or another choice is read from its beginning.
      element.scrollTop = 0;
      top.value = 0;
      current.value = 0;
      return;
    }
    const place = Math.floor(element.scrollTop / ROW);
    const row = earlier.shown[place];
    const now = place === 0 || row === undefined ? -1 : shown.findIndex((each) => rowKey(each) === rowKey(row));
    if (now < 0 || now === place) return;
    element.scrollTop += (now - place) * ROW;
    top.value = element.scrollTop;
    current.value += now - place;
  }, [shown]);

  // The end comes before that.
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null || !follow || !isAtEnd.current) return;
    element.scrollTop = element.scrollHeight;
    top.value = element.scrollTop;
  }, [rows, follow]);

  /** The index of the row that gets the focus when it is drawn. */
  const awaited = useRef<number>(undefined);
  const rowAt = (index: number): HTMLElement | undefined =>
    box.current?.querySelector<HTMLElement>(`[aria-rowindex="${index + 2}"]`) ?? undefined;
  // Before the next key comes: the row that has had the focus may be gone from the page.
  useLayoutEffect(() => {
    const { current: index } = awaited;
    awaited.current = undefined;
    if (index !== undefined) rowAt(index)?.focus({ preventScroll: true });
  });

  const moveTo = (wanted: number): void => {
    const element = box.current;
    const index = Math.max(0, Math.min(shown.length - 1, wanted));
    if (element === null || shown.length === 0) return;
    current.value = index;
    // The head of the table is as high as a row, and covers what is under it.
    if (index * ROW < element.scrollTop) element.scrollTop = index * ROW;
    else if ((index + 2) * ROW > element.scrollTop + element.clientHeight) {
      element.scrollTop = (index + 2) * ROW - element.clientHeight;
    }
    top.value = element.scrollTop;
    const target = rowAt(index);
    awaited.current = target === undefined ? index : undefined;
    target?.focus({ preventScroll: true });
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    if (!(event.target instanceof HTMLTableRowElement)) return;
    const page = Math.max(1, room.value - 2);
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: current.value + 1,
      ArrowUp: current.value - 1,
      PageDown: current.value + page,
      PageUp: current.value - page,
      Home: 0,
      End: shown.length - 1,
    };
    const target = steps[event.key];
    const row = shown[current.value];
    if (target !== undefined) moveTo(target);
    else if (event.key === "Enter" && row !== undefined) onOpen?.(row);
    else return;
    event.preventDefault();
  };

  const sortBy = ({ key, numeric }: Column<R>): void => {
    const { value: before } = sorting;
    const descending = before?.key === key ? !before.descending : numeric === true;
    sorting.value = { key, descending };
    keepChoice();
  };

  const directionOf = (key: string): "ascending" | "descending" | "none" => {
    if (sorting.value?.key !== key) return "none";
    return sorting.value.descending ? "descending" : "ascending";
  };

  // A row that went away takes the place in the tab order with it.
  const stop = Math.min(current.value, shown.length - 1);
  const tabStop = stop < first || stop >= last ? first : stop;

  const hasTools = searched !== undefined || tools !== undefined;
  const least = (Math.min(rows.length, most ?? FEWEST) + 1) * ROW + (hasTools ? TOOLS : 0);

  return (
    <div class="table" style={{ minHeight: `${least}px` }}>
      {hasTools && (
        <div class="tools">
          {searched !== undefined && (
            <SearchField
              value={search.value}
              controls={id}
              onInput={(value) => {
                search.value = value;
                keepChoice();
              }}
            />
          )}
          {searched !== undefined && (
            <output class="muted">{text().rows(count(shown.length), count(rows.length))}</output>
          )}
          <span class="space" />
          {typeof tools === "function" ? tools(shown) : tools}
        </div>
      )}
      <div
        class="rows"
        ref={box}
        style={most !== undefined && shown.length > most ? { maxHeight: `${(most + 1 + PART) * ROW}px` } : undefined}
        onScroll={(event) => {
          const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
          top.value = scrollTop;
          isAtEnd.current = scrollHeight - scrollTop - clientHeight < ROW;
        }}
      >
        <table id={id} aria-label={label} aria-rowcount={shown.length + 1}>
          <colgroup>
            {columns.map((column) => (
              <col key={column.key} class={classOf(column)} style={{ width: column.width ?? "auto" }} />
            ))}
          </colgroup>
          <thead>
            <tr aria-rowindex={1}>
              {columns.map((column) => (
                <HeadCell
                  key={column.key}
                  column={column}
                  direction={directionOf(column.key)}
                  onSort={() => sortBy(column)}
                />
              ))}
            </tr>
          </thead>
          <tbody onKeyDown={onKeyDown}>
            {first > 0 && <tr class="gap" style={{ height: `${first * ROW}px` }} />}
            {shown.slice(first, last).map((row, i) => (
              <tr
                key={rowKey(row)}
                aria-rowindex={first + i + 2}
                tabIndex={first + i === tabStop ? 0 : -1}
                onFocus={() => {
                  current.value = first + i;
                }}
                onDblClick={() => onOpen?.(row)}
              >
                {columns.map((column) => (
                  <td key={column.key} class={classOf(column)}>
                    {column.cell(row)}
                  </td>
                ))}
              </tr>
            ))}
            {last < shown.length && <tr class="gap" style={{ height: `${(shown.length - last) * ROW}px` }} />}
          </tbody>
        </table>
        {shown.length === 0 && <div class="empty">{rows.length === 0 ? empty : text().noneFound}</div>}
      </div>
      {isCut && <p class="muted">{text().cut(count(rows.length))}</p>}
    </div>
  );
};
