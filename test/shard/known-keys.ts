/** The keys that a shard knows, and what of them must survive. */
import { expect } from "vitest";
import { formatId } from "../../src/protocol/id.js";
import { Durability } from "../../src/protocol/op.js";
import type { Shard } from "../../src/shard/shard.js";
import { snapshot } from "./snapshot.js";

export interface KnownKey {
  readonly id: string;
  /** 0: until its message is done. */
  readonly until: number;
  /** In memory alone. */
  readonly isVolatile: boolean;
}

/** By topic and key. */
export const knownKeys = (shard: Shard): ReadonlyMap<string, KnownKey> => {
  const known = new Map<string, KnownKey>();
  for (const { name, keys } of shard.directory.topics) {
    for (let slot = 0; keys !== undefined && slot < keys.table.high; slot++) {
      if (!keys.table.isUsed(slot)) continue;
      const text = keys.table.text(slot).slice();
      if (keys.find(text, 0, text.length) !== slot) continue;
      known.set(`${name} ${Buffer.from(text).toString()}`, {
        id: formatId(keys.table.idHigh(slot), keys.table.idLow(slot)),
        until: keys.table.until(slot),
        isVolatile: keys.table.level(slot) === Durability.memory,
      });
    }
  }
  return known;
};

/** Throws unless a shard that was read back knows what the one before knew, and no more. */
export const expectKeysKnown = (before: ReadonlyMap<string, KnownKey>, after: Shard): void => {
  const ids = new Set(snapshot(after).flatMap(({ messages }) => messages.map(({ id }) => id)));
  // What was in flight may have expired since.
  const must = [...before].filter(([, { id, until, isVolatile }]) => !isVolatile && (until > 0 || ids.has(id)));
  const now = [...knownKeys(after)].map(([key, { id, until }]) => [key, id, until]).sort();
  expect(now).toEqual(must.map(([key, { id, until }]) => [key, id, until]).sort());
};
