/**
 * The tables of the dead letters: what they have died of, and they themselves.
 */
import { useMemo } from "preact/hooks";
import type { DeathReason, StoredMessage } from "ringmq/client";
import { hrefTo } from "../../base/route.js";
import { bodyPreview } from "../../parts/body-preview.js";
import { count, moment } from "../../parts/format.js";
import { Name } from "../../parts/name.js";
import { type Column, Table } from "../../parts/table.js";
import { type Group, lastConsumer } from "./scan.js";
import { text } from "./text.js";

type Words = ReturnType<typeof text>;

const deathOf = ({ deadReason }: Group, words: Words): string =>
  words.deaths[deadReason.replaceAll(" ", "-") as DeathReason] ?? deadReason;

const groupColumns = (
  words: Words,
  chosen: string | undefined,
  choose: (key: string) => void,
): readonly Column<Group>[] => [
  {
    key: "count",
    title: words.count,
    cell: (group) => count(group.count),
    sort: (group) => group.count,
    numeric: true,
    width: "6.5rem",
  },
  {
    key: "said",
    title: words.said,
    cell: ({ key, reason }) => (
      <button type="button" class="quiet" aria-pressed={key === chosen} onClick={() => choose(key)}>
        {reason === "" ? <em>{words.nothingSaid}</em> : <Name value={reason} />}
      </button>
    ),
    sort: ({ reason }) => reason,
  },
  {
    key: "why",
    title: words.why,
    cell: (group) => <span class="tag bad">{deathOf(group, words)}</span>,
    sort: (group) => deathOf(group, words),
    width: "11rem",
    priority: 2,
  },
  {
    key: "consumer",
    title: words.consumer,
    cell: ({ consumer }) => <Name value={consumer} />,
    sort: ({ consumer }) => consumer,
    width: "12rem",
    priority: 2,
  },
  {
    key: "first",
    title: words.first,
    cell: ({ first }) => moment(first),
    sort: ({ first }) => first,
    numeric: true,
    width: "14rem",
    priority: 3,
  },
  {
    key: "last",
    title: words.last,
    cell: ({ last }) => moment(last),
    sort: ({ last }) => last,
    numeric: true,
    width: "14rem",
    priority: 2,
  },
];

interface GroupTableProps {
  readonly groups: readonly Group[];
  readonly chosen: string | undefined;
  readonly onChoose: (key: string) => void;
}

export const GroupTable = ({ groups, chosen, onChoose }: GroupTableProps) => {
  const words = text();
  const columns = useMemo(() => groupColumns(words, chosen, onChoose), [words, chosen]);
  return (
    <Table
      label={words.groups}
      rows={groups}
      columns={columns}
      rowKey={({ key }) => key}
      onOpen={({ key }) => onChoose(key)}
      most={5}
      empty={words.none}
    />
  );
};

interface LetterTableProps {
  readonly topic: string;
  readonly letters: readonly StoredMessage[];
  readonly selected: ReadonlySet<string>;
  /** These are selected from now on. */
  readonly onSelect: (ids: ReadonlySet<string>) => void;
  readonly onOpen: (letter: StoredMessage) => void;
}

const toggled = (ids: ReadonlySet<string>, id: string, isSelected: boolean): ReadonlySet<string> => {
  const next = new Set(ids);
  if (isSelected) next.add(id);
  else next.delete(id);
  return next;
};

const letterColumns = (
  words: Words,
  { topic, selected, onSelect, onOpen }: LetterTableProps,
): readonly Column<StoredMessage>[] => [
  {
    key: "select",
    title: "",
    cell: ({ id }) => (
      <input
        type="checkbox"
        aria-label={words.select(id)}
        checked={selected.has(id)}
        onInput={(event) => onSelect(toggled(selected, id, event.currentTarget.checked))}
      />
    ),
    width: "3rem",
  },
  {
    key: "id",
    title: words.id,
    cell: ({ id }) => <Name value={id} href={hrefTo(["topics", topic, "messages", id])} />,
    width: "13rem",
    priority: 2,
  },
  {
    key: "died",
    title: words.died,
    cell: ({ time }) => moment(time),
    sort: ({ time }) => time,
    width: "14rem",
    priority: 2,
  },
  {
    key: "failures",
    title: words.failures,
    cell: ({ retry }) => count(retry),
    sort: ({ retry }) => retry,
    numeric: true,
    width: "6rem",
    priority: 3,
  },
  {
    key: "said",
    title: words.said,
    cell: ({ lastReason }) => <Name value={lastReason} />,
  },
  {
    key: "body",
    title: words.body,
    cell: (letter) => <bdi class="preview">{bodyPreview(letter.body)}</bdi>,
    priority: 3,
  },
  {
    key: "open",
    title: "",
    cell: (letter) => (
      <button type="button" class="quiet" onClick={() => onOpen(letter)}>
        {words.open}
      </button>
    ),
    width: "5rem",
  },
];

export const LetterTable = (props: LetterTableProps) => {
  const words = text();
  const { topic, letters, selected, onSelect, onOpen } = props;
  const columns = useMemo(() => letterColumns(words, props), [words, topic, selected]);
  return (
    <Table
      label={words.letters}
      rows={letters}
      columns={columns}
      rowKey={({ id }) => id}
      searched={(letter) =>
        `${letter.id} ${letter.lastReason} ${lastConsumer(letter)} ${letter.routeKey} ${bodyPreview(letter.body)}`
      }
      onOpen={onOpen}
      empty={words.none}
      tools={(found) => (
        <>
          {selected.size > 0 && <span>{words.selected(count(selected.size))}</span>}
          <button
            type="button"
            class="quiet"
            onClick={() => onSelect(new Set(selected.size === 0 ? found.map(({ id }) => id) : []))}
          >
            {selected.size === 0 ? words.selectAll : words.selectNone}
          </button>
        </>
      )}
    />
  );
};
