/** Which effects wait for the journal: tested with a shard whose journal has not committed. */
import { beforeEach, describe, expect, it } from "vitest";
import { WORD_BYTES } from "../../src/protocol/entry.js";
import { EPOCH } from "../../src/protocol/id.js";
import { Durability } from "../../src/protocol/op.js";
import { COUNT, DELIVERY, FIRST_ID_HIGH, FIRST_ID_LOW, SELECTION_BYTES } from "../../src/protocol/selection.js";
import type { Command } from "../../src/shard/command.js";
import type { Run } from "../../src/shard/effects.js";
import type { Page } from "../../src/shard/log/page.js";
import * as record from "../../src/shard/log/record.js";
import { localIdSource } from "../../src/shard/messages/id-allocator.js";
import { Replay } from "../../src/shard/recovery/replay.js";
import { Shard } from "../../src/shard/shard.js";
import { HeldEffects, type StagedEffects } from "../../src/workers/held-effects.js";
import { OPTIONS } from "../shard/model/driver.js";
import { type Effect, Recorder } from "../shard/model/effects.js";

/** Records effects, and the last run before it is copied. */
class Staged extends Recorder implements StagedEffects<Staged> {
  lastRun: Run | undefined;
  finish(): void {}
  override run(run: Readonly<Run>): void {
    this.lastRun = { ...run };
    super.run(run);
  }
  takeMessages(from: Staged, connection: number, request: number): void {
    from.closeMessages();
    const [opened] = from.take().slice(-1);
    if (opened?.kind !== "messages") throw new Error("nothing was open");
    this.openMessages(connection, request);
  }
}

let free: Staged;
let held: Staged;
let shard: Shard;
let effects: HeldEffects<Staged>;

const open = (now: number): void => {
  free = new Staged();
  held = new Staged();
  effects = new HeldEffects<Staged>(
    free,
    held,
    () => shard.store.isDurable,
    () => shard.store.areIdsDurable,
    () => shard.store,
  );
  shard = new Shard({
    ...OPTIONS,
    pageBytes: 65_536,
    effects,
    ids: localIdSource(EPOCH),
    level: Durability.fsync,
    segmentBytes: 1 << 20,
    now,
  });
};

/** Marks everything as written and synced. */
const commit = (): void => {
  const { log } = shard.store;
  for (const page of log.unwritten) page.written = page.used;
  log.markDurable(log.position);
  effects.released();
};

let now = OPTIONS.now;
const tell = (command: object): boolean =>
  shard.apply({ connection: 1, request: 1, topic: "t", queue: "default", ...command } as Command, now);

const publish = (count: number, topic = "t"): void => {
  const bytes = new Uint8Array(count * (WORD_BYTES + 4));
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < count; i++) view.setUint32(i * (WORD_BYTES + 4), 4);
  const slice = { bytes, view, start: 0, end: bytes.length };
  tell({ op: "publish", topic, requests: 1, count, routeKey: "", delay: 0, ttl: 0, ...slice });
};

/** A body of nothing. */
const ENTRY = { bytes: new Uint8Array(WORD_BYTES), view: new DataView(new ArrayBuffer(WORD_BYTES)), start: 0, end: 4 };

const pop = (more: object = {}): boolean => tell({ op: "pop", max: 10, maxBytes: 1000, wait: 0, ...more });

const kinds = (effects: readonly Effect[]): string[] => effects.map(({ kind }) => kind);

beforeEach(() => {
  now = OPTIONS.now;
  open(now);
});

describe("waiting for the journal", () => {
  it("holds back confirms, and deliveries of messages that are not on disk", () => {
    publish(3);
    pop();
    expect(kinds(free.take())).toEqual([]);
    expect(kinds(held.take())).toEqual(["confirm", "messages"]);
  });

  it("lets deliveries of messages on disk go, to connections with nothing held back", () => {
    publish(3);
    commit();
    held.take();
    publish(1, "other");
    shard.apply(
      { op: "pop", connection: 2, request: 1, topic: "t", queue: "default", max: 10, maxBytes: 1000, wait: 0 },
      now,
    );
    expect(kinds(free.take())).toEqual(["messages"]);
    expect(kinds(held.take())).toEqual(["confirm"]);
  });

  it("holds back deliveries with auto-ack until the record of the ack is on disk", () => {
    tell({ op: "configure", config: { autoAck: true } });
    publish(3);
    commit();
    held.take();
    free.take();
    pop();
    expect(kinds(free.take())).toEqual([]);
    expect(kinds(held.take())).toEqual(["messages"]);
  });

  it("holds back redeliveries until the new retry count is on disk", () => {
    publish(1);
    pop();
    commit();
    held.take();
    const { extents } = shard.store;
    const fragment = shard.directory.queues[0]?.popped.head ?? -1;
    const view = new DataView(new ArrayBuffer(SELECTION_BYTES));
    view.setUint32(FIRST_ID_HIGH, extents.idHigh(fragment));
    view.setUint32(FIRST_ID_LOW, extents.idLow(fragment));
    view.setUint32(COUNT, 1);
    view.setUint32(DELIVERY, 0);
    const slice = { bytes: new Uint8Array(view.buffer), view, start: 0, end: SELECTION_BYTES };
    tell({ op: "nack", connection: 2, delay: 0, reject: false, ...slice });
    pop({ connection: 3 });
    expect(kinds(free.take())).toEqual([]);
    expect(kinds(held.take())).toEqual(["confirm", "messages"]);
  });

  it("holds back errors that tell of state that is not on disk yet", () => {
    tell({ op: "declareQueue", queue: "a" });
    tell({ op: "declareQueue", queue: "a", connection: 2 });
    expect(kinds(free.take())).toEqual([]);
    expect(held.take().map((effect) => (effect.kind === "fail" ? effect.error : effect.kind))).toEqual([
      "confirm",
      "QUEUE_EXISTS",
    ]);
  });

  it("lets topics with durability memory go, once their ids are reserved on disk", () => {
    tell({ op: "configure", config: { durability: "memory" } });
    commit();
    held.take();
    publish(1);
    expect(kinds(free.take())).toEqual([]);
    commit();
    held.take();
    publish(1);
    expect(kinds(free.take())).toEqual(["confirm"]);
  });
});

describe("on a connection with something held back", () => {
  beforeEach(() => {
    tell({ op: "configure", topic: "fleeting", config: { durability: "memory" } });
    publish(1, "stored");
    commit();
    publish(1, "fleeting");
    commit();
    free.take();
    held.take();
    publish(1);
    expect(kinds(held.take())).toEqual(["confirm"]);
  });

  it("looks wait for nothing, whatever comes of them", () => {
    for (const op of ["stats", "topics", "channels"]) tell({ op, after: "", max: 10 });
    tell({ op: "browse", state: "ready", offset: 0, max: 10, maxBytes: 1000 });
    tell({ op: "stats", topic: "unknown" });
    tell({ op: "browse", topic: "unknown", state: "ready", offset: 0, max: 10, maxBytes: 1000 });
    tell({ op: "channelStats", channel: "unknown" });
    expect(kinds(held.take())).toEqual([]);
    expect(kinds(free.take())).toEqual(["result", "result", "result", "messages", "fail", "fail", "fail"]);
  });

  it("a look that had to walk far waits for nothing either, and tells of its failure at once", () => {
    tell({ op: "hold" });
    tell({ op: "browse", state: "ready", offset: 0, max: 10, maxBytes: 1000 });
    tell({ op: "browse", topic: "unknown", state: "ready", offset: 0, max: 10, maxBytes: 1000 });
    tell({ op: "unhold" });
    shard.turn(now);
    expect(kinds(held.take())).toEqual([]);
    expect(kinds(free.take())).toEqual(["messages", "fail"]);
  });

  it("topics with durability memory go on, and so do leases and messages on disk", () => {
    publish(1, "fleeting");
    pop({ topic: "fleeting" });
    pop({ topic: "stored" });
    const run = free.lastRun;
    const view = new DataView(new ArrayBuffer(SELECTION_BYTES));
    view.setUint32(FIRST_ID_HIGH, run?.idHigh ?? 0);
    view.setUint32(FIRST_ID_LOW, run?.idLow ?? 0);
    view.setUint32(COUNT, 1);
    view.setUint32(DELIVERY, run?.delivery ?? 0);
    tell({
      op: "touch",
      topic: "stored",
      ttr: 0,
      bytes: new Uint8Array(view.buffer),
      view,
      start: 0,
      end: SELECTION_BYTES,
    });
    expect(kinds(held.take())).toEqual([]);
    expect(kinds(free.take())).toEqual(["confirm", "messages", "messages", "confirm"]);
  });

  it("a refusal that tells of no state is said at once", () => {
    shard.refusal = { kind: "DISK_FULL", text: "full" };
    publish(1);
    tell({ op: "deleteTopic", topic: "unknown" });
    expect(kinds(free.take())).toEqual(["fail"]);
    expect(held.take().map((effect) => (effect.kind === "fail" ? effect.error : effect.kind))).toEqual(["NO_TOPIC"]);
  });

  it("a consumer begins, and neither its later messages nor its end overtake one that is held back", () => {
    publish(1, "stored");
    tell({ op: "publish", topic: "stored", requests: 1, count: 1, routeKey: "", delay: 1000, ttl: 0, ...ENTRY });
    commit();
    held.take();
    free.take();
    pop({ topic: "stored", max: 2 });
    tell({ op: "consume", request: 7, topic: "stored", credit: 10, renew: false });
    publish(1, "stored");
    shard.turn(now);
    expect(kinds(free.take())).toEqual(["messages", "confirm"]);
    expect(kinds(held.take())).toEqual(["confirm", "messages"]);
    // On disk for a long time.
    now += 1000;
    shard.turn(now);
    tell({ op: "stop", consumer: 7 });
    expect(kinds(free.take())).toEqual([]);
    expect(kinds(held.take())).toEqual(["messages", "confirm"]);
  });
});

describe("a consumer that gives back what lies ahead, on a topic that is in memory from now on", () => {
  it("does not end before its last messages", () => {
    publish(1, "stored");
    tell({ op: "consume", request: 7, topic: "stored", credit: 10, renew: false, reports: true });
    shard.turn(now);
    tell({ op: "configure", topic: "stored", config: { durability: "memory" } });
    tell({ op: "stop", consumer: 7, givesBack: true });
    expect(kinds(free.take())).toEqual(["result"]);
    expect(kinds(held.take())).toEqual(["confirm", "messages", "result", "confirm"]);
  });
});

describe("messages of channels", () => {
  const publishChannel = (channel: string): void => {
    const bytes = new Uint8Array(WORD_BYTES);
    const slice = { bytes, view: new DataView(bytes.buffer), start: 0, end: bytes.length };
    tell({ op: "publishChannel", connection: 9, channel, key: "", count: 1, ...slice });
  };
  const positions = (staged: Staged): number[] =>
    staged.take().flatMap((effect) => (effect.kind === "channelMessages" ? [effect.position] : []));

  it("do not wait for what is held back for a subscriber", () => {
    tell({ op: "subscribe", connection: 1, channel: "c", overflow: "drop-oldest" });
    publish(1);
    publishChannel("c");
    expect(positions(held)).toEqual([]);
    expect(positions(free)).toEqual([0]);
  });

  it("do not overtake those of their channel that are held back, for whomever; nor does the end of a subscription", () => {
    const config = { keep: true };
    tell({ op: "configureChannel", channel: "c", config });
    tell({ op: "subscribe", connection: 1, channel: "c", overflow: "drop-oldest" });
    tell({ op: "subscribe", connection: 2, channel: "c", overflow: "drop-oldest" });
    commit();
    held.take();
    free.take();
    publishChannel("c");
    // It keeps nothing from here on.
    tell({ op: "configureChannel", connection: 9, channel: "c", config: { keep: false } });
    tell({ op: "unsubscribe", connection: 1, channel: "c" });
    publishChannel("c");
    expect(kinds(free.take()).filter((kind) => kind !== "confirm")).toEqual([]);
    expect(kinds(held.take())).toEqual(["channelMessages", "confirm", "result", "confirm", "channelMessages"]);
    commit();
    publishChannel("c");
    expect(kinds(free.take())).toContain("channelMessages");
  });

  it("come after the answer to the SUBSCRIBE that asks for more", () => {
    tell({ op: "subscribe", connection: 1, channel: "c", overflow: "drop-oldest", options: {} });
    publishChannel("c");
    expect(kinds(free.take()).filter((kind) => kind !== "confirm")).toEqual([]);
    // The epoch, which is an id, is not on disk yet.
    expect(kinds(held.take())).toEqual(["result", "channelMessages"]);
  });

  it("are told of no position that a restart may give again, nor is who subscribes", () => {
    tell({ op: "configureChannel", channel: "c", config: { keep: true } });
    commit();
    free.take();
    held.take();
    while (!tell({ op: "configureChannel", channel: "c", config: { keep: false } }));
    publishChannel("c");
    tell({ op: "subscribe", connection: 3, channel: "c", overflow: "drop-oldest", options: {} });
    expect(kinds(free.take())).toEqual(["confirm"]);
    expect(kinds(held.take())).toEqual(["result", "result"]);
    commit();
    tell({ op: "subscribe", connection: 4, channel: "c", overflow: "drop-oldest", options: {} });
    expect(kinds(free.take())).toEqual(["result"]);
  });

  it("wait for the disk where they are kept", () => {
    tell({ op: "configureChannel", channel: "c", config: { keep: true } });
    tell({ op: "subscribe", connection: 2, channel: "c", overflow: "drop-oldest" });
    commit();
    publishChannel("c");
    publishChannel("other");
    expect(positions(free)).toEqual([]);
    expect(positions(held)).toEqual([0]);
  });
});

describe("leases after a restart", () => {
  /** Records of the log, in order. */
  const typesOf = (pages: readonly Page[]): number[] => {
    const types: number[] = [];
    for (const { view, used } of pages) {
      for (let at = 0; at < used; at += record.align(view.getUint32(at))) types.push(view.getUint8(at + record.TYPE));
    }
    return types;
  };

  it("are not those of the life before: its lease numbers are not accepted", () => {
    publish(1);
    pop();
    const first = held.lastRun?.delivery;
    const bytes = Buffer.concat(shard.store.log.unwritten.map((page) => page.bytes.slice(0, page.used)));
    now += 1000;
    open(now);
    const replay = new Replay(shard);
    replay.segment(1, 1);
    replay.buffer(bytes.length).set(bytes);
    replay.page(0, bytes.length);
    replay.finish();
    pop();
    expect(free.lastRun?.count).toBe(1);
    expect(free.lastRun?.delivery).not.toBe(first);
  });

  it("is no message less for one that did not come: the oldest are dropped after the new one is written", () => {
    tell({ op: "configure", config: { maxLength: 2, overflow: "drop-oldest" } });
    publish(2);
    const { log } = shard.store;
    const before = typesOf(log.unwritten).length;
    publish(2);
    expect(typesOf(log.unwritten).slice(before)).toEqual([record.RecordType.PUBLISH, record.RecordType.STATE]);
  });
});
