/**
 * Dead letters of a queue as the page holds them: so many, and what they have in common.
 */
import type { DeadLetterGroups, DeadLetters, StoredMessage } from "ringmq/client";

/** The most that are looked through, and bytes of their bodies: a page is no place for more. */
const MOST = 10_000;
const MOST_BYTES = 64 * 1_024 * 1_024;

/** How many are asked for at a time. */
const PAGE = 500;

export interface Scan {
  /** In the order in which they died. */
  readonly letters: readonly StoredMessage[];
  /** Where there are more: what the broker counts of all. Otherwise undefined. */
  readonly counted: DeadLetterGroups | undefined;
}

export const scan = async (dead: DeadLetters): Promise<Scan> => {
  const letters: StoredMessage[] = [];
  let bytes = 0;
  for (;;) {
    const page = await dead.list({ offset: letters.length, max: PAGE });
    if (page.length === 0) return { letters, counted: undefined };
    for (const letter of page) {
      letters.push(letter);
      bytes += letter.body.length;
    }
    if (letters.length >= MOST || bytes >= MOST_BYTES) {
      const more = await dead.list({ offset: letters.length, max: 1 });
      return { letters, counted: more.length > 0 ? await dead.groups() : undefined };
    }
  }
};

/** Who had it last when a delivery of it has failed; empty: nobody that has a name. */
export const lastConsumer = ({ failures }: StoredMessage): string => failures.at(-1)?.consumer ?? "";

/** Dead letters that have died alike. */
export interface Group {
  /** No two have the same. */
  readonly key: string;
  /** Why they are dead, in the broker's words: `too old`. */
  readonly deadReason: string;
  /** What was said last of why; empty: nothing. */
  readonly reason: string;
  /** Who had them last; empty: nobody that has a name. */
  readonly consumer: string;
  /** How many there are. */
  readonly count: number;
  /** Those that were looked through. */
  readonly letters: readonly StoredMessage[];
  /** When the first and the last of them died: milliseconds since 1970. */
  readonly first: number;
  readonly last: number;
}

/** As the broker tells groups apart: by why they died, how and with whom the last delivery failed, and what was said of it. */
const keyOf = (reason: string, how: string, client: string, text: string): string =>
  JSON.stringify([reason, how, client, text]);

/** The client's names for what the broker calls `too old` or `timed out`. */
const plain = (name: string | undefined): string => (name ?? "").replaceAll("-", " ");

/** The key of the group that a dead letter is of. */
export const groupKey = (letter: StoredMessage): string => {
  const { deadReason, lastReason, failures } = letter;
  return keyOf(plain(deadReason), plain(failures.at(-1)?.kind), lastConsumer(letter), lastReason);
};

const byKey = (letters: readonly StoredMessage[]): ReadonlyMap<string, readonly StoredMessage[]> => {
  const groups = new Map<string, StoredMessage[]>();
  for (const letter of letters) {
    const key = groupKey(letter);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [letter]);
    else group.push(letter);
  }
  return groups;
};

const groupOf = (key: string, letters: readonly [StoredMessage, ...StoredMessage[]]): Group => {
  const [letter] = letters;
  const times = letters.map(({ time }) => time);
  return {
    key,
    deadReason: plain(letter.deadReason),
    reason: letter.lastReason,
    consumer: lastConsumer(letter),
    count: letters.length,
    letters,
    first: times.reduce((a, b) => Math.min(a, b)),
    last: times.reduce((a, b) => Math.max(a, b)),
  };
};

/** Those with the most letters first. Of very many dead letters, the largest groups of all that there are. */
export const groupsOf = ({ letters, counted }: Scan): readonly Group[] => {
  const seen = byKey(letters);
  const groups =
    counted === undefined
      ? [...seen].map(([key, members]) => groupOf(key, members as [StoredMessage]))
      : counted.groups.map(({ reason, how, client, text, count, first, last }) => {
          const key = keyOf(reason, how, client, text);
          return {
            key,
            deadReason: reason,
            reason: text,
            consumer: client,
            count,
            letters: seen.get(key) ?? [],
            first,
            last,
          };
        });
  return groups.sort((a, b) => b.count - a.count || b.last - a.last);
};
