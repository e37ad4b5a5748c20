import { describe, expect, it } from "vitest";
import { Reason } from "../../../src/protocol/run.js";
import { writeSelection } from "../../../src/protocol/selection.js";
import type { MessageState, Slice } from "../../../src/shard/command.js";
import type { SeenMessage } from "../model/effects.js";
import { messagesIn, selecting } from "../selecting.js";
import { ShardByHand } from "../shard-by-hand.js";

const pop = (by: ShardByHand): readonly SeenMessage[] => messagesIn(by.pop("t", 0));

const nack = (by: ShardByHand, held: readonly SeenMessage[], delay?: number, reject = false): void => {
  by.ask({ op: "nack", topic: "t", queue: "", delay, reject, ...selecting(held) });
};

const browse = (by: ShardByHand, state: MessageState): readonly SeenMessage[] =>
  messagesIn(by.ask({ op: "browse", topic: "t", queue: "", state, offset: 0, max: 100, maxBytes: 65_536 }));

/** Each way in which a delivery fails. */
const WAYS = {
  "a nack": (by: ShardByHand) => nack(by, pop(by)),
  "its TTR": (by: ShardByHand) => {
    pop(by);
    by.wait(1000);
  },
  "the end of its consumer": (by: ShardByHand) => {
    by.consume("t", 7);
    by.wait(0);
    by.ask({ op: "disconnect" } as never, 7);
  },
};

const queueWith = (config: Parameters<ShardByHand["configure"]>[1], count = 1): ShardByHand => {
  const by = new ShardByHand();
  by.configure("t", { ttr: 1000, ...config });
  by.publish("t", { count });
  return by;
};

describe.each(Object.entries(WAYS))("after %s", (_, fail) => {
  it("a message waits as the topic's policy says, longer each time, up to the cap", () => {
    const by = queueWith({ retryDelay: 100, retryMaxDelay: 300 });
    for (const delay of [100, 200, 300, 300]) {
      fail(by);
      expect(browse(by, "delayed").map(({ time }) => time - by.now)).toEqual([delay]);
      by.wait(delay - 1);
      expect(pop(by)).toEqual([]);
      by.wait(1);
    }
    expect(pop(by)).toMatchObject([{ retry: 4 }]);
  });

  it("a message that is too old is a dead letter of its own kind; one that was re-driven begins anew", () => {
    const by = queueWith({ retryMaxAge: 60_000 });
    fail(by);
    expect(browse(by, "dead")).toEqual([]);
    by.wait(60_001);
    fail(by);
    expect(browse(by, "dead")).toMatchObject([{ reason: Reason.TOO_OLD, retry: 2 }]);
    by.ask({
      op: "redrive",
      topic: "t",
      queue: "",
      bytes: new Uint8Array(0),
      view: new DataView(new ArrayBuffer(0)),
      start: 0,
      end: 0,
    });
    fail(by);
    expect(browse(by, "ready")).toMatchObject([{ retry: 1 }]);
  });
});

it("a delay that a nack names wins, also none", () => {
  const by = queueWith({ retryDelay: 100, retryJitter: 1 }, 3);
  const [first, second, third] = pop(by) as [SeenMessage, SeenMessage, SeenMessage];
  nack(by, [first], 0);
  nack(by, [second], 7);
  nack(by, [third], 5000, true);
  expect(browse(by, "ready").map(({ id }) => id)).toEqual([first.id]);
  expect(browse(by, "delayed").map(({ id, time }) => [id, time - by.now])).toEqual([[second.id, 7]]);
  expect(browse(by, "dead")).toMatchObject([{ id: third.id, reason: Reason.REJECTED }]);
});

it("what is past its retries is dead for that, however old it is", () => {
  const by = queueWith({ retries: 0, retryMaxAge: 1 });
  by.wait(50);
  nack(by, pop(by));
  expect(browse(by, "dead")).toMatchObject([{ reason: Reason.RETRIES }]);
});

it("a jitter parts messages that have failed together, and a restart keeps their times", () => {
  const by = queueWith({ retryDelay: 10_000, retryJitter: 0.5 }, 10);
  nack(by, pop(by));
  const delays = browse(by, "delayed").map(({ id, time }) => [id, time - by.now] as const);
  expect(new Set(delays.map(([, delay]) => delay)).size).toBeGreaterThan(8);
  for (const [, delay] of delays) {
    expect(delay).toBeGreaterThanOrEqual(5000);
    expect(delay).toBeLessThanOrEqual(10_000);
  }
  const again = by.restarted();
  const after = messagesIn(
    again.ask({ op: "browse", topic: "t", queue: "", state: "delayed", offset: 0, max: 100, maxBytes: 65_536 }),
  );
  expect(after.map(({ id, time }) => [id, time - by.now])).toEqual(delays);
});

describe("a reason", () => {
  const REASON = "the bank is closed ".repeat(100);
  const popAll = (by: ShardByHand): readonly SeenMessage[] =>
    messagesIn(by.ask({ op: "pop", topic: "t", queue: "", max: 1_000, maxBytes: 1 << 20, wait: 0 }));
  /** Bytes of the journal that a nack of these takes. */
  const recorded = (by: ShardByHand, selected: Slice): number => {
    const { position } = by;
    by.ask({ op: "nack", topic: "t", queue: "", delay: undefined, reject: false, reason: REASON, ...selected });
    return by.position - position;
  };

  it("is in the journal once for messages of a block that fail together, though a jitter parts them", () => {
    const by = queueWith({ retryDelay: 1_000, retryJitter: 1 }, 320);
    const held = popAll(by);
    const [selected, { id, delivery }] = [selecting(held.slice(0, 1)), held[0] as SeenMessage];
    writeSelection(selected.view, 0, Number(id >> 32n), Number(id & 0xffff_ffffn), held.length, delivery);
    expect(recorded(by, selected)).toBeLessThan(12 * REASON.length + 320 * 64);
    const again = by.restarted();
    const delayed = { op: "browse", topic: "t", queue: "", state: "delayed", offset: 0, max: 1_000 } as const;
    const shown = messagesIn(again.ask({ ...delayed, maxBytes: 1 << 20, withFailures: true }));
    expect(shown.length).toBeGreaterThan(300);
  });

  it("is in the journal once for messages that fail together, whatever failures they had before", () => {
    const by = queueWith({}, 320);
    for (const one of popAll(by)) {
      by.now++;
      nack(by, [one]);
    }
    expect(recorded(by, selecting(popAll(by)))).toBeLessThan(2 * REASON.length + 320 * 64);
  });
});
