/**
 * Dead letters of a queue as the page holds them: so many, and what they have in common.
 */
import type { DeadLetters, DeathReason, StoredMessage } from "ringmq/client";

/** The most that are looked through, and bytes of their bodies: a page is no place for more. */
const MOST = 10_000;
const MOST_BYTES = 64 * 1_024 * 1_024;

/** How many are asked for at a time. */
const PAGE = 500;

export interface Scan {
  /** In the order in which they died. */
  readonly letters: readonly StoredMessage[];
  /** There are more. */
  readonly isCut: boolean;
}

export const scan = async (dead: DeadLetters): Promise<Scan> => {
  const letters: StoredMessage[] = [];
  let bytes = 0;
  for (;;) {
    const page = await dead.list({ offset: letters.length, max: PAGE });
    if (page.length === 0) return { letters, isCut: false };
    for (const letter of page) {
      letters.push(letter);
      bytes += letter.body.length;
    }
    if (letters.length >= MOST || bytes >= MOST_BYTES) {
      const more = await dead.list({ offset: letters.length, max: 1 });
      return { letters, isCut: more.length > 0 };
    }
  }
};

/** Who had it last when a delivery of it has failed; empty: nobody that has a name. */
export const lastConsumer = ({ failures }: StoredMessage): string => failures.at(-1)?.consumer ?? "";

/** Dead letters that are alike. */
export interface Group {
  /** No two have the same. */
  readonly key: string;
  readonly deadReason: DeathReason | undefined;
  /** What was said last of why; empty: nothing. */
  readonly reason: string;
  /** Who had them last; empty: nobody that has a name. */
  readonly consumer: string;
  readonly letters: readonly StoredMessage[];
  /** When the first and the last of them died: milliseconds since 1970. */
  readonly first: number;
  readonly last: number;
}

/** The key of the group that a dead letter is of. */
export const groupKey = (letter: StoredMessage): string =>
  JSON.stringify([letter.deadReason, letter.lastReason, lastConsumer(letter)]);

/** By why they died, what was said of it and who had them last; those with the most letters first. */
export const groupsOf = (letters: readonly StoredMessage[]): readonly Group[] => {
  const groups = new Map<string, StoredMessage[]>();
  for (const letter of letters) {
    const key = groupKey(letter);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [letter]);
    else group.push(letter);
  }
  return [...groups]
    .map(([key, members]) => {
      const [{ deadReason, lastReason }] = members as [StoredMessage];
      const times = members.map(({ time }) => time);
      const [first, last] = [times.reduce((a, b) => Math.min(a, b)), times.reduce((a, b) => Math.max(a, b))];
      const consumer = lastConsumer(members[0] as StoredMessage);
      return { key, deadReason, reason: lastReason, consumer, letters: members, first, last };
    })
    .sort((a, b) => b.letters.length - a.letters.length || b.last - a.last);
};
