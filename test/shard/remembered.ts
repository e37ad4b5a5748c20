/** What a shard remembers of producers that number their messages, and what of it must survive. */
import { expect } from "vitest";
import { formatId, idTime } from "../../src/protocol/id.js";
import { Durability } from "../../src/protocol/op.js";
import type { Shard } from "../../src/shard/shard.js";

export interface Remembered {
  readonly id: string;
  /** When it was taken, milliseconds since 1970, and for how long it is remembered. */
  readonly at: number;
  readonly dedupWindow: number;
  /** It is one of the newest that must be remembered. */
  readonly isRecent: boolean;
  /** In memory alone. */
  readonly isVolatile: boolean;
}

/** By topic, producer and sequence. */
export const remembered = (shard: Shard): ReadonlyMap<string, Remembered> => {
  const all = new Map<string, Remembered>();
  const recent = (keys: readonly string[], messages: number): void => {
    for (const key of messages === 0 ? [] : keys.slice(-messages)) {
      const known = all.get(key);
      if (known !== undefined) all.set(key, { ...known, isRecent: true });
    }
  };
  for (const { name: topic, producers, config } of shard.directory.topics) {
    for (const window of producers?.windows ?? []) {
      const keys: string[] = [];
      for (let sequence = window.floor; sequence < window.next; ) {
        const n = window.known(sequence, window.next - sequence);
        const { idHigh, idLow, level } = window;
        for (let i = 0; i < n; i++) {
          const key = `${topic} ${window.name} ${sequence + i}`;
          keys.push(key);
          all.set(key, {
            id: formatId(idHigh, idLow + i),
            at: idTime(idHigh, idLow),
            dedupWindow: config.dedupWindow,
            isRecent: false,
            isVolatile: level === Durability.memory,
          });
        }
        sequence += Math.abs(n);
      }
      recent(keys, config.dedupMessages);
    }
  }
  return all;
};

/** Throws when a shard that was read back does not know what it must, or knows something else. */
export const expectRemembered = (
  before: ReadonlyMap<string, Remembered>,
  after: ReadonlyMap<string, Remembered>,
  now: number,
): void => {
  for (const [key, { id, at, dedupWindow, isRecent, isVolatile }] of before) {
    const known = after.get(key);
    if (known !== undefined) expect([key, known.id]).toEqual([key, id]);
    else if (!isVolatile && isRecent && now - at < dedupWindow) expect([key, undefined]).toEqual([key, id]);
  }
};
