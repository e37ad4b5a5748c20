/** Channels that are not kept: positions, histories, credit, and what becomes of subscribers that do not keep up. */
import { beforeEach, describe, expect, it } from "vitest";
import type { Overflow } from "../../../src/protocol/subscribe-options.js";
import { ChannelsByHand, type Seen } from "./by-hand.js";

let channels: ChannelsByHand;

beforeEach(() => {
  channels = new ChannelsByHand();
});

const positions = (seen: readonly Seen[]): number[] => seen.flatMap((each) => ("lost" in each ? [] : [each.position]));

/** A subscriber that has fallen behind while others went on. */
const fallBehind = (overflow: Overflow, batches: number, count: number): void => {
  channels.subscribe("c", 1, undefined, overflow);
  channels.subscribe("c", 2);
  channels.publish("c");
  channels.hold(1);
  for (let i = 0; i < batches; i++) channels.publish("c", count);
};

describe("positions", () => {
  it("count the messages of a channel, whoever is there", () => {
    channels.subscribe("c", 1);
    channels.publish("c", 2);
    channels.subscribe("c", 2);
    channels.publish("c");
    expect([channels.told(1), channels.told(2)]).toEqual(["0:0 1:1 2:2", "2:2"]);
  });

  it("begin again in another epoch when nobody was there", () => {
    const first = channels.subscribe("c", 1, {}) as { epoch: string; position: number };
    expect(first).toMatchObject({ position: 0, subscribers: 1, kept: false, recovered: null, lost: null });
    channels.publish("c");
    channels.unsubscribe("c", 1);
    const second = channels.subscribe("c", 1, { position: 1, epoch: first.epoch }) as { epoch: string };
    expect(second).toMatchObject({ position: 0, recovered: false, lost: null });
    expect(second.epoch).not.toBe(first.epoch);
  });
});

describe("a history", () => {
  it("lets a subscriber go on where it was", () => {
    const { epoch } = channels.subscribe("c", 1, { recover: true }) as { epoch: string };
    channels.publish("c", 3);
    channels.unsubscribe("c", 1);
    channels.publish("c", 2);
    channels.take(1);
    expect(channels.subscribe("c", 1, { position: 3, epoch })).toMatchObject({ recovered: true, lost: 0, position: 3 });
    channels.publish("c");
    channels.settle();
    expect(channels.told(1)).toBe("3:3 4:4 5:5");
  });

  it("tells how much is lost beyond it", () => {
    const { epoch } = channels.subscribe("c", 1, { recover: true }) as { epoch: string };
    for (let i = 0; i < 15; i++) channels.publish("c", 100);
    channels.unsubscribe("c", 1);
    expect(channels.subscribe("c", 2, { position: 0, epoch })).toMatchObject({
      recovered: false,
      lost: 500,
      position: 500,
    });
    channels.settle();
    expect(positions(channels.take(2))).toEqual(Array.from({ length: 1000 }, (_, i) => 500 + i));
  });

  it("is bounded in bytes, ends a while after the last subscriber, and can be there from the start", () => {
    channels.subscribe("c", 1, { recover: true });
    for (let i = 0; i < 20; i++) channels.publish("c", 1, { size: 100_000 });
    expect(channels.stats("c")).toMatchObject({ first: 10, next: 20, messages: 10 });
    channels.unsubscribe("c", 1);
    channels.by.wait(59_000);
    expect(channels.stats("c")).toMatchObject({ messages: 10 });
    channels.by.wait(10_000);
    expect(channels.by.ask({ op: "channelStats", channel: "c" })).toMatchObject([{ kind: "fail", error: "NO_TOPIC" }]);
    channels.configure("d", { history: 2 });
    channels.publish("d");
    channels.publish("d");
    channels.publish("d");
    channels.subscribe("d", 3, { from: "start" });
    channels.settle();
    expect(channels.told(3)).toBe("1:21 2:22");
  });

  it("is found by time", () => {
    channels.configure("c", { history: 10 });
    channels.publish("c");
    channels.by.now += 1000;
    channels.publish("c");
    const { now } = channels.by;
    channels.by.now += 1000;
    channels.publish("c");
    for (const [connection, from] of [
      [1, now - 999],
      [2, now],
      [3, now + 1],
      [4, now + 5000],
    ] as const) {
      channels.subscribe("c", connection, { from });
    }
    channels.settle();
    expect([1, 2, 3, 4].map((connection) => channels.told(connection))).toEqual(["1:1 2:2", "1:1 2:2", "2:2", ""]);
  });
});

describe("credit", () => {
  it("is all that a subscriber is sent, one at a time or many", () => {
    channels.subscribe("c", 1, { credit: 2 });
    channels.subscribe("c", 2);
    channels.publish("c", 3);
    channels.publish("c", 3);
    channels.settle();
    expect(channels.told(1)).toBe("0:0 1:1");
    channels.credit("c", 1, 1);
    expect(channels.told(1)).toBe("2:2");
    channels.credit("c", 1, 10);
    expect(channels.told(1)).toBe("3:3 4:4 5:5");
    channels.publish("c", 1);
    channels.settle();
    expect(channels.told(1)).toBe("6:6");
    expect(channels.told(2)).toBe("0:0 1:1 2:2 3:3 4:4 5:5 6:6");
    expect(channels.by.shard.bytes - channels.by.shard.store.bytes).toBe(0);
  });

  it("outlasts another policy", () => {
    channels.subscribe("c", 1, { credit: 5 });
    channels.publish("c");
    channels.settle();
    channels.subscribe("c", 1, undefined, "block");
    channels.publish("c");
    channels.settle();
    expect(channels.told(1)).toBe("0:0 1:1");
  });

  it("is what it gets after its policy has changed, too", () => {
    channels.subscribe("c", 1, { credit: 10 });
    channels.settle();
    channels.subscribe("c", 1, undefined, "drop-newest");
    channels.publish("c", 3);
    channels.settle();
    expect(channels.told(1)).toBe("0:0 1:1 2:2");
  });

  it("may be none", () => {
    channels.subscribe("c", 1, { credit: 0 });
    channels.publish("c", 2);
    channels.settle();
    expect(channels.told(1)).toBe("");
    channels.credit("c", 1, 5);
    expect(channels.told(1)).toBe("0:0 1:1");
  });
});

describe("those who are not behind", () => {
  /** To whom a message goes that is published now, as the shard names them. */
  const audience = (): readonly number[] | undefined => {
    const [sent] = channels.publish("c").filter(({ kind }) => kind === "channelMessages");
    return sent?.kind === "channelMessages" ? sent.connections : undefined;
  };

  it.each<[string, () => void, () => void]>([
    ["has a credit", () => channels.subscribe("c", 1, { credit: 1000 }), () => channels.settle()],
    [
      "has credit for one message at a time",
      () => channels.subscribe("c", 1, { credit: 1 }),
      () => channels.credit("c", 1, 1),
    ],
    [
      "is held all the time",
      () => {
        channels.subscribe("c", 1);
        channels.hold(1);
      },
      () => channels.settle(),
    ],
  ])("are not listed anew with each message because somebody %s", (_, begin, between) => {
    for (let connection = 2; connection <= 50; connection++) channels.subscribe("c", connection);
    begin();
    const first = audience();
    expect(first).toHaveLength(49);
    for (let i = 0; i < 5; i++) {
      between();
      expect(audience()).toBe(first);
    }
  });
});

describe("a subscriber that falls too far behind", () => {
  it("loses the oldest", () => {
    fallBehind("drop-oldest", 5, 2048);
    channels.unhold(1);
    const seen = channels.take(1);
    expect(seen.slice(0, 3)).toEqual([{ position: 0, body: "0" }, { lost: 2048 }, { position: 2049, body: "2049" }]);
    expect(seen).toHaveLength(2 + 4 * 2048);
  });

  it("loses the newest, and goes on with what is published then", () => {
    fallBehind("drop-newest", 6, 2048);
    channels.unhold(1);
    const seen = channels.take(1);
    expect(positions(seen)).toEqual(Array.from({ length: 1 + 8192 }, (_, i) => i));
    expect(seen.at(-1)).toEqual({ lost: 4096 });
    channels.publish("c");
    expect(channels.told(1)).toBe("12289:12289");
    expect(channels.by.shard.bytes - channels.by.shard.store.bytes).toBe(0);
  });

  it("loses all but the latest of each key, however little it is behind", () => {
    channels.subscribe("c", 1, undefined, "conflate");
    channels.publish("c", 1, { key: "a" });
    channels.hold(1);
    for (const key of ["a", "b", "a", "c", "a", "", ""]) channels.publish("c", 2, { key });
    channels.unhold(1);
    expect(channels.told(1)).toBe("0:0 4:4 8:8 10:10 14:14");
    channels.publish("c", 2, { key: "a" });
    expect(channels.told(1)).toBe("15:15 16:16");
  });

  it("that begins to conflate loses nothing that it was behind by", () => {
    channels.subscribe("c", 1);
    channels.hold(1);
    channels.publish("c", 2, { key: "a" });
    channels.subscribe("c", 1, undefined, "conflate");
    channels.publish("c", 1, { key: "b" });
    channels.unhold(1);
    expect(channels.told(1)).toBe("0:0 1:1 2:2");
    channels.hold(1);
    channels.publish("c", 1, { key: "a" });
    channels.publish("c", 1, { key: "a" });
    channels.unhold(1);
    expect(channels.told(1)).toBe("4:4");
  });

  it("that conflates no more is told of what nobody has kept for it", () => {
    channels.subscribe("c", 1, undefined, "conflate");
    channels.hold(1);
    channels.publish("c", 5);
    channels.subscribe("c", 1, undefined, "drop-oldest");
    channels.unhold(1);
    expect(channels.told(1)).toBe("-5");
    channels.publish("c");
    expect(channels.told(1)).toBe("5:5");
  });

  it("goes on from a position that only its own last subscription has kept", () => {
    const { epoch } = channels.subscribe("c", 1, {}) as { epoch: string };
    channels.hold(1);
    channels.publish("c", 2);
    expect(channels.subscribe("c", 1, { position: 0, epoch })).toMatchObject({ recovered: true });
    channels.unhold(1);
    expect(channels.told(1)).toBe("0:0 1:1");
  });

  it("is told of keys that were too many, however many", () => {
    for (const connection of [1, 2]) channels.subscribe("c", connection, undefined, "conflate");
    let key = 0;
    const publish = (count: number): void => {
      for (let i = 0; i < count; i++) channels.publish("c", 1, { key: `k${key++}` });
    };
    channels.hold(1);
    publish(100);
    channels.hold(2);
    expect(channels.take(2)).toHaveLength(100);
    publish(20_000);
    channels.unhold(2);
    publish(10);
    channels.unhold(1);
    const [first, second] = [channels.take(1), channels.take(2)];
    expect(first[0]).toEqual({ lost: 20_110 - 8192 });
    expect(positions(first)).toHaveLength(8192);
    expect(second[0]).toEqual({ lost: 20_000 - 8192 });
    expect(positions(second)).toHaveLength(8192 + 10);
  });

  it("is disconnected", () => {
    fallBehind("disconnect", 4, 2048);
    expect(channels.closed).toEqual([]);
    channels.publish("c");
    expect(channels.closed).toEqual([1]);
    expect(channels.stats("c")).toMatchObject({ subscribers: 1 });
  });

  it("holds back the confirms of publishers, then refuses what they publish", () => {
    fallBehind("block", 4, 2048);
    const before = channels.confirmed.length;
    for (let i = 0; i < 4; i++) channels.publish("c", 2048);
    expect(channels.confirmed).toHaveLength(before);
    expect(channels.publish("c")).toMatchObject([{ kind: "fail", error: "BUSY" }]);
    channels.unhold(1);
    expect(channels.confirmed).toHaveLength(before + 4);
    expect(positions(channels.take(1))).toEqual(Array.from({ length: 1 + 8 * 2048 }, (_, i) => i));
    channels.publish("c");
    expect(channels.confirmed).toHaveLength(before + 5);
  });

  it("holds nobody back once it is gone", () => {
    fallBehind("block", 6, 2048);
    const before = channels.confirmed.length;
    channels.unsubscribe("c", 1);
    expect(channels.confirmed).toHaveLength(before + 3);
  });

  it("loses all that there is no memory for", () => {
    channels = new ChannelsByHand({ memoryBytes: 1 });
    fallBehind("drop-oldest", 1, 3);
    channels.unhold(1);
    expect(channels.told(1)).toBe("0:0 -3");
  });

  it("keeps what it has missed rather than pages that are on disk as well", () => {
    channels = new ChannelsByHand({ memoryBytes: 4 * 1024 * 1024 });
    const { shard } = channels.by;
    for (; shard.bytes < 3.8 * 1024 * 1024; channels.commit()) channels.by.publish("t", { count: 1000 });
    channels.subscribe("c", 1);
    channels.hold(1);
    for (let i = 0; i < 10; i++) channels.publish("c", 100, { size: 1000 });
    expect(channels.stats("c")).toMatchObject({ first: 0, messages: 1000 });
  });
});
