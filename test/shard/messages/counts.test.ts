/** DELAYED and DEAD_GROUPS: what delayed messages are due when, and what dead letters have died of. */
import { describe, expect, it } from "vitest";
import { formatId } from "../../../src/protocol/id.js";
import type { SeenMessage } from "../model/effects.js";
import { messagesIn, selecting } from "../selecting.js";
import { NOW, ShardByHand } from "../shard-by-hand.js";

const about = { topic: "t", queue: "default" } as const;

const resultOf = (by: ShardByHand, command: object): Record<string, unknown> => {
  const [answer] = [...by.ask({ ...about, ...command } as never), ...by.rest()];
  if (answer?.kind !== "result") throw new Error(`not answered: ${JSON.stringify(answer)}`);
  return answer.value as Record<string, unknown>;
};

describe("DELAYED", () => {
  const delayed = (by: ShardByHand, asked: object = {}): Record<string, unknown> =>
    resultOf(by, { op: "delayed", buckets: 4, from: undefined, to: undefined, ...asked });

  it("counts messages by when they are due, from now on until the last one is", () => {
    const by = new ShardByHand();
    by.publish("t");
    for (const [delay, count] of [
      [1, 1],
      [249, 2],
      [250, 40],
      [999, 3],
      [1_000, 5],
    ] as const) {
      by.publish("t", { delay, count });
    }
    const whole = { now: NOW, from: NOW, to: NOW + 1_000, before: 0, after: 0, first: NOW + 1, last: NOW + 1_000 };
    expect(delayed(by)).toEqual({ ...whole, counts: [3, 40, 0, 8] });
    const within = { from: NOW + 249, to: NOW + 250 };
    expect(delayed(by, within)).toEqual({ ...whole, ...within, counts: [2, 0, 0, 40], before: 1, after: 8 });
    expect(delayed(by, { to: NOW + 249, buckets: 1 })).toMatchObject({ counts: [3], before: 0, after: 48 });
    expect(delayed(by, { from: NOW + 5_000 })).toMatchObject({ to: NOW + 5_000, counts: [0, 0, 0, 0], before: 51 });
    by.wait(2_000);
    expect(delayed(by)).toEqual({
      ...whole,
      now: by.now,
      from: by.now,
      to: by.now,
      first: null,
      last: null,
      counts: [0, 0, 0, 0],
    });
    expect(delayed(by, { to: NOW })).toMatchObject({ from: NOW, to: NOW });
    expect(by.ask({ op: "delayed", buckets: 1, from: 0, to: 0, topic: "t", queue: "none" })).toMatchObject([
      { kind: "fail", error: "NO_QUEUE" },
    ]);
  });

  it("counts what is due at the end of a part with the next one", () => {
    const by = new ShardByHand();
    const delays = Array.from({ length: 100 }, (_, i) => i + 1);
    for (const delay of delays) by.publish("t", { delay });
    // 29 / 100 * 100 is less than 29.
    const counts = delays.map((delay) => (delay < 100 ? 1 : 2));
    expect(delayed(by, { buckets: 100, from: NOW + 1, to: NOW + 101 })).toMatchObject({ counts: Array(100).fill(1) });
    expect(delayed(by, { buckets: 99, from: NOW + 1, to: NOW + 100 })).toMatchObject({ counts: counts.slice(1) });
  });

  it("walks in steps, and not behind what comes meanwhile", () => {
    const by = new ShardByHand({ stepExtents: 2 });
    for (let i = 0; i < 500; i++) by.publish("t", { delay: 1_000 + i });
    expect(by.ask({ op: "delayed", ...about, buckets: 2, from: undefined, to: undefined }, 9)).toEqual([]);
    let turns = 0;
    let answer: unknown;
    for (; answer === undefined && turns < 200; turns++) {
      for (let i = 0; i < 40; i++) by.publish("t", { delay: 1_000 });
      by.shard.turn(by.now);
      answer = by.recorder.take().find((effect) => "connection" in effect && effect.connection === 9);
    }
    expect(turns).toBeGreaterThan(20);
    expect(answer).toMatchObject({ kind: "result", value: { last: NOW + 1_499 } });
    expect(by.shard.directory.queues[0]?.delayed.cursors).toBe(0);
  });
});

describe("DEAD_GROUPS", () => {
  const pop = (by: ShardByHand, max: number): readonly SeenMessage[] =>
    messagesIn(by.ask({ op: "pop", ...about, max, maxBytes: 1 << 20, wait: 0 }));
  const bury = (by: ShardByHand, count: number, reason: string): bigint[] => {
    by.publish("t", { count });
    const messages = pop(by, count);
    by.ask({ op: "nack", ...about, delay: 0, reject: true, reason, ...selecting(messages) });
    return messages.map(({ id }) => id);
  };
  const groups = (by: ShardByHand, max = 100): { groups: Record<string, unknown>[]; rest: number } =>
    resultOf(by, { op: "deadGroups", max }) as never;
  const text = (id: bigint | undefined): string =>
    formatId(Number((id ?? 0n) >> 32n), Number((id ?? 0n) & 0xffff_ffffn));

  it("counts dead letters by why they died, how, with whom, and what was said last", () => {
    const by = new ShardByHand();
    by.configure("t", { retries: 1, ttr: 100, expired: "dead-letter" });
    bury(by, 3, "Error: closed\n    at shop.ts:7");
    by.wait(5);
    const second = bury(by, 40, "Error: closed\n    at shop.ts:9");
    bury(by, 2, "no such shop");
    by.publish("t", { ttl: 1 });
    by.wait(10);
    // Said once, and then nothing: it timed out.
    by.publish("t");
    by.ask({ op: "nack", ...about, delay: 0, reject: false, reason: "busy", ...selecting(pop(by, 1)) });
    pop(by, 1);
    by.wait(200);
    const of = { client: "", how: "rejected", reason: "rejected" };
    expect(groups(by)).toEqual({
      groups: [
        { ...of, text: "Error: closed", count: 43, first: NOW, last: NOW + 5, example: expect.any(String) },
        { ...of, text: "no such shop", count: 2, first: NOW + 5, last: NOW + 5, example: expect.any(String) },
        {
          client: "",
          how: "timed out",
          reason: "retries",
          text: "busy",
          count: 1,
          first: expect.any(Number),
          last: expect.any(Number),
          example: expect.any(String),
        },
        {
          client: "",
          how: "",
          reason: "expired",
          text: "",
          count: 1,
          first: expect.any(Number),
          last: expect.any(Number),
          example: expect.any(String),
        },
      ],
      rest: 0,
    });
    expect(second.map(text)).toContain(groups(by).groups[0]?.["example"]);
    expect(groups(by, 1)).toMatchObject({ groups: [{ count: 43 }], rest: 4 });
  });

  it("tells clients apart by their names", () => {
    const by = new ShardByHand();
    by.configure("t", { retries: 0 });
    by.shard.name(5, "biller");
    by.consume("t", 5);
    by.publish("t", { count: 2 });
    by.rest();
    by.ask({ op: "disconnect" } as never, 5);
    by.rest();
    expect(groups(by).groups).toMatchObject([{ client: "biller", how: "consumer gone", reason: "retries", count: 2 }]);
  });

  it("counts what would make too many groups as the rest", () => {
    const by = new ShardByHand({ stepExtents: 64 });
    for (let i = 0; i < 10_050; i++) bury(by, 1, `error ${i}`);
    const { groups: found, rest } = groups(by, 5);
    expect(found).toHaveLength(5);
    expect(rest).toBe(10_045);
  });
});
