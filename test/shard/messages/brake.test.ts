import { describe, expect, it } from "vitest";
import { Brake } from "../../../src/shard/messages/brake.js";
import type { SeenMessage } from "../model/effects.js";
import { messagesIn, selecting } from "../selecting.js";
import { ShardByHand } from "../shard-by-hand.js";

describe("a brake", () => {
  it("goes on when so large a share of what ends has failed, of at least twenty", () => {
    const brake = new Brake();
    brake.failed(19, 0.9, 0);
    expect(brake.isOn).toBe(false);
    brake.failed(1, 0.9, 0);
    expect(brake).toMatchObject({ isOn: true, rate: 10, openAt: 100 });
    const mixed = new Brake();
    mixed.succeeded(3);
    mixed.failed(26, 0.9, 0);
    expect(mixed.isOn).toBe(false);
    mixed.failed(1, 0.9, 0);
    expect(mixed.isOn).toBe(true);
  });

  it("looks at the last 32 deliveries", () => {
    const brake = new Brake();
    brake.succeeded(1_000_000);
    brake.failed(28, 0.9, 0);
    expect(brake.isOn).toBe(false);
    brake.failed(1, 0.9, 0);
    expect(brake.isOn).toBe(true);
    const all = new Brake();
    all.failed(1_000_000, 1, 7);
    expect(all).toMatchObject({ isOn: true, openAt: 107 });
  });

  it("halves its rate with each message, down to one in 12.8 s, and is off with the first success", () => {
    const brake = new Brake();
    brake.failed(20, 0.9, 0);
    const waits: number[] = [];
    for (let i = 0; i < 10; i++) {
      const { openAt } = brake;
      brake.letThrough(openAt);
      waits.push(brake.openAt - openAt);
      // What was on its way before it went on changes nothing.
      brake.failed(5, 0.9, openAt);
    }
    expect(waits).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12_800, 12_800, 12_800]);
    expect(brake.succeeded(1)).toBe(true);
    expect(brake).toMatchObject({ isOn: false, openAt: 0, rate: 0 });
    expect(brake.succeeded(1)).toBe(false);
    brake.failed(18, 0.9, 0);
    expect(brake.isOn).toBe(false);
  });
});

const braked = (config = {}): ShardByHand => {
  const by = new ShardByHand();
  by.configure("t", { retries: 1000, brake: 0.9, ...config });
  by.publish("t", { count: 30 });
  return by;
};

const settle = (by: ShardByHand, op: "ack" | "nack", held: readonly SeenMessage[], connection = 1): void => {
  const rest = op === "nack" ? { delay: undefined, reject: false } : {};
  by.ask({ op, topic: "t", queue: "", ...rest, ...selecting(held) } as never, connection);
};

const statsOf = (by: ShardByHand): unknown => {
  const effect = by.ask({ op: "stats", topic: "t" }).find(({ kind }) => kind === "result");
  return effect?.kind === "result" ? (effect.value as { queues: unknown[] }).queues[0] : undefined;
};

/** Moves the clock, and answers what consumers were handed meanwhile, and when. */
const served = (by: ShardByHand, time: number): { at: number; messages: readonly SeenMessage[] }[] => {
  const all: { at: number; messages: readonly SeenMessage[] }[] = [];
  const start = by.now;
  for (let passed = 0; passed <= time; passed += 50) {
    by.wait(start + passed - by.now);
    const messages = messagesIn(by.recorder.take());
    if (messages.length > 0) all.push({ at: by.now - start, messages });
  }
  return all;
};

describe("a queue with a brake", () => {
  it("lets through ever fewer messages while all of them fail, and all of them when one is acked", () => {
    const by = braked();
    by.consume("t", 1, "", 100);
    by.wait(0);
    settle(by, "nack", messagesIn(by.recorder.take()));
    expect(statsOf(by)).toMatchObject({ ready: 30, braked: true, rate: 10 });
    const probes = served(by, 4000);
    expect(probes.map(({ messages }) => messages.length)).toEqual([1, 1, 1, 1, 1, 1]);
    // Each waits twice as long as the one before; a clock that ticks every 50 ms sees it.
    expect(probes.map(({ at }) => at)).toEqual([100, 200, 400, 800, 1600, 3200]);
    expect(statsOf(by)).toMatchObject({ ready: 24, inFlight: 6, braked: true, rate: 1000 / 6400 });
    for (const { messages } of probes.slice(0, 5)) settle(by, "nack", messages);
    expect(served(by, 2000)).toEqual([]);
    settle(by, "ack", probes[5]?.messages ?? []);
    by.wait(0);
    expect(messagesIn(by.recorder.take())).toHaveLength(29);
    expect(statsOf(by)).toMatchObject({ braked: false, rate: 0 });
  });

  it("slows pops down as well: those that wait get one message when it is time, the others none", () => {
    const by = braked();
    settle(by, "nack", messagesIn(by.ask({ op: "pop", topic: "t", queue: "", max: 30, maxBytes: 65_536, wait: 0 })));
    expect(messagesIn(by.pop("t", 0))).toEqual([]);
    by.pop("t", 10_000, 2);
    by.wait(99);
    expect(messagesIn(by.recorder.take())).toEqual([]);
    by.wait(1);
    expect(messagesIn(by.recorder.take())).toHaveLength(1);
    by.wait(1000);
    expect(messagesIn(by.pop("t", 0))).toHaveLength(1);
    expect(messagesIn(by.pop("t", 0))).toEqual([]);
  });

  it.each([
    ["the TTR", { ttr: 500 }, (by: ShardByHand) => by.wait(500)],
    ["the end of a consumer", {}, (by: ShardByHand) => by.ask({ op: "disconnect" } as never, 7)],
  ])("counts deliveries that fail by %s", (_, config, fail) => {
    const by = braked(config);
    by.consume("t", 7, "", 30);
    by.wait(0);
    fail(by);
    expect(statsOf(by)).toMatchObject({ braked: true });
  });

  it("is braked by nothing but failures, and not where it is not configured", () => {
    const by = braked();
    const held = messagesIn(by.ask({ op: "pop", topic: "t", queue: "", max: 30, maxBytes: 65_536, wait: 0 }));
    by.ask({ op: "release", topic: "t", queue: "", ...selecting(held) } as never);
    expect(statsOf(by)).toMatchObject({ braked: false });
    const none = braked({ brake: 0 });
    settle(
      none,
      "nack",
      messagesIn(none.ask({ op: "pop", topic: "t", queue: "", max: 30, maxBytes: 65_536, wait: 0 })),
    );
    expect(statsOf(none)).toMatchObject({ braked: false });
    expect(messagesIn(none.pop("t", 0))).toHaveLength(10);
  });

  it("hands out again at once when its configuration has no brake any more", () => {
    const by = braked();
    by.consume("t", 1, "", 100);
    by.wait(0);
    settle(by, "nack", messagesIn(by.recorder.take()));
    by.wait(0);
    expect(messagesIn(by.recorder.take())).toEqual([]);
    by.configure("t", { brake: 0 });
    by.wait(0);
    expect(messagesIn(by.recorder.take())).toHaveLength(30);
  });
});
