/** Dead letters by what they have died of. */

/** Dead letters that have died alike. */
export interface DeadLetterGroup {
  /** Why they are dead: `retries`, `expired`, `rejected` or `too old`. */
  readonly reason: string;
  /** How the last of their deliveries failed: `nacked`, `timed out`, `consumer gone` or `rejected`; empty: that is not known. */
  readonly how: string;
  /** What the client calls itself that had them then; empty: nothing. */
  readonly client: string;
  /** The first line of what was said last of their failures; empty: nothing. */
  readonly text: string;
  readonly count: number;
  /** When the first and the last of them died: milliseconds since 1970. */
  readonly first: number;
  readonly last: number;
  /** The id of the one that died last, or of one that died with it. */
  readonly example: string;
}

export interface DeadLetterGroups {
  /** Those with the most messages first. */
  readonly groups: readonly DeadLetterGroup[];
  /** Dead letters of other groups. */
  readonly rest: number;
}

const keyOf = ({ reason, how, client, text }: DeadLetterGroup): string => JSON.stringify([reason, how, client, text]);

/** The groups of several queues, the `max` largest. */
export const joined = (all: readonly DeadLetterGroups[], max: number): DeadLetterGroups => {
  const byKey = new Map<string, DeadLetterGroup>();
  let rest = 0;
  for (const each of all) {
    rest += each.rest;
    for (const group of each.groups) {
      const known = byKey.get(keyOf(group)) ?? { ...group, count: 0 };
      byKey.set(keyOf(group), {
        ...known,
        count: known.count + group.count,
        first: Math.min(known.first, group.first),
        last: Math.max(known.last, group.last),
        example: group.last >= known.last ? group.example : known.example,
      });
    }
  }
  const groups = [...byKey.values()].sort((a, b) => b.count - a.count || b.last - a.last);
  const others = groups.slice(max).reduce((sum, { count }) => sum + count, 0);
  return { groups: groups.slice(0, max), rest: rest + others };
};
