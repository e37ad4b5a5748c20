/** What is known of the failures of messages is there after all that a journal goes through. */
import { join } from "node:path";
import { expect, it } from "vitest";
import { dumpData } from "../../src/inspection/dump.js";
import { repairData } from "../../src/inspection/repair.js";
import { nodeDisk } from "../../src/journal/node-disk.js";
import { EPOCH } from "../../src/protocol/id.js";
import { Durability } from "../../src/protocol/op.js";
import { localIdSource } from "../../src/shard/messages/id-allocator.js";
import { Shard } from "../../src/shard/shard.js";
import { bodies, keeperOf, temporary } from "../inspection/data.js";
import { OPTIONS } from "../shard/model/driver.js";
import { Recorder } from "../shard/model/effects.js";
import { messagesIn, selecting } from "../shard/selecting.js";
import { snapshot } from "../shard/snapshot.js";
import { CompactingShard } from "../workers/compacting-shard.js";
import { checksum, type Keeper } from "./keeper.js";

/** Messages that fail in different ways and at different times, some of them many times. */
const fill = (keeper: Keeper): void => {
  keeper.shard.name(1, "billing");
  keeper.configure("t", { retries: 20, ttr: 500 });
  keeper.publish(bodies(6, "m"));
  for (let round = 1; round <= 12; round++) {
    const held = keeper.pop(6);
    keeper.nack(held.slice(0, 2), { reason: `round ${round}` });
    keeper.nack(held.slice(2, 3), { reject: round === 12, reason: "unknown shop" });
    // The rest runs out of time.
    keeper.tick();
    keeper.commit();
  }
};

const failuresOf = (keeper: Keeper): string[] =>
  keeper.state
    .flatMap(({ messages }) => messages.map(({ failures }) => failures))
    .filter((failures) => failures !== "");

it("survives restarts, a kill and a repair, and is told by a dump", () => {
  const data = join(temporary(), "data");
  const keeper = keeperOf(data);
  fill(keeper);
  const before = keeper.state;
  expect(failuresOf(keeper)).toHaveLength(6);
  expect(failuresOf(keeper)[0]).toContain("round 12");
  // A kill.
  const again = keeperOf(data, { now: keeper.now });
  expect(again.state).toEqual(before);
  again.close();
  const out = `${data}-repaired`;
  expect(repairData(nodeDisk, data, out, checksum, keeper.now, () => {})).toMatchObject([{ losses: [] }]);
  expect(keeperOf(out, { now: keeper.now }).state).toEqual(before);
  const told = [...dumpData(nodeDisk, data, checksum, { shard: 0 })].map(({ what }) => JSON.stringify(what));
  expect(told.filter((text) => text.includes('"consumer":"billing","reason":"unknown shop"')).length).toBeGreaterThan(
    0,
  );
  expect(told.some((text) => text.includes('"how":"timed-out"'))).toBe(true);
});

it("survives compactions, one after another, and goes on", () => {
  const segmentBytes = 4096;
  const recorder = new Recorder();
  const ids = localIdSource(EPOCH);
  let now = OPTIONS.now;
  const shard = new Shard({ ...OPTIONS, effects: recorder, ids, level: Durability.fsync, segmentBytes });
  const journal = new CompactingShard(shard, segmentBytes);
  const to = { connection: 1, request: 1, topic: "t", queue: "" };
  const configure = { op: "configure", ...to, config: { retries: 1000 } } as const;
  const publish = (count: number): void => {
    const bytes = new Uint8Array(count * 4);
    const slice = { bytes, view: new DataView(bytes.buffer), start: 0, end: bytes.length };
    shard.apply({ op: "publish", ...to, requests: 1, count, routeKey: "", delay: 0, ttl: 0, ...slice }, now);
  };
  const failAll = (reason: string): void => {
    shard.apply({ op: "pop", ...to, max: 100, maxBytes: 1 << 20, wait: 0 }, now);
    const held = messagesIn(recorder.take());
    for (const [i, each] of held.entries()) {
      const why = i % 2 === 0 ? reason : "the same";
      while (!shard.apply({ op: "nack", ...to, delay: 0, reject: false, reason: why, ...selecting([each]) }, now));
    }
  };
  shard.apply(configure, now);
  publish(40);
  let sizes: number[] = [];
  for (let round = 1; round <= 24; round++) {
    now += 1000;
    failAll(`round ${round} ${"x".repeat(100)}`);
    journal.commit();
    if (round % 6 === 0) {
      journal.force();
      sizes = [...sizes, journal.diskBytes];
    }
    expect(snapshot(journal.readBack(now))).toEqual(snapshot(shard));
  }
  shard.invariants();
  const [queue] = snapshot(shard);
  expect(queue?.messages).toHaveLength(40);
  expect(queue?.messages[0]?.failures).toContain("round 24");
  expect(queue?.messages[0]?.failures).toContain("round 1 ");
  expect(queue?.messages[0]?.failures).not.toContain("round 2 ");
  // What was told of earlier failures is gone with the segments that had it.
  expect(sizes.at(-1)).toBeLessThan(2 * (sizes[1] ?? 0));
});

it("does not take what is known for the last of a message that failed again when there was no room to know of it", () => {
  const segmentBytes = 64 * 1024;
  const recorder = new Recorder();
  const ids = localIdSource(EPOCH);
  const journalled = { level: Durability.fsync, segmentBytes, maxFailureBytes: 1 };
  const shard = new Shard({ ...OPTIONS, ...journalled, effects: recorder, ids });
  const journal = new CompactingShard(shard, segmentBytes);
  const to = { connection: 1, request: 1, topic: "t", queue: "" };
  let { now } = OPTIONS;
  const pop = () => {
    shard.apply({ op: "pop", ...to, max: 100, maxBytes: 1 << 20, wait: 0 }, now);
    return messagesIn(recorder.take());
  };
  /** At a time of its own: what fails alike shares what is known of it. */
  const fail = (held: ReturnType<typeof pop>): void => {
    now++;
    while (!shard.apply({ op: "nack", ...to, delay: 0, reject: false, reason: "", ...selecting(held) }, now));
  };
  const bytes = new Uint8Array(16 * 4);
  const slice = { bytes, view: new DataView(bytes.buffer), start: 0, end: bytes.length };
  shard.apply({ op: "publish", ...to, requests: 1, count: 16, routeKey: "", delay: 0, ttl: 0, ...slice }, now);
  // Two have one failure together, and the others the rest of those that there is room for.
  const held = pop();
  fail(held.slice(0, 2));
  for (const each of held.slice(2)) fail([each]);
  fail(pop().slice(0, 1));
  journal.commit();
  const before = snapshot(shard)[0]?.messages.filter(({ retry }) => retry === 2);
  expect(before).toMatchObject([{ failures: "" }]);
  const after = snapshot(journal.readBack(now))[0]?.messages;
  expect(after?.filter(({ retry }) => retry === 2)).toMatchObject([{ failures: "" }]);
  expect(after?.filter(({ failures }) => failures !== "")).toHaveLength(15);
});
