import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { repairData, type ShardRepair } from "../../src/inspection/repair.js";
import { verifyData } from "../../src/inspection/verification.js";
import { DamageError, DataDirectoryError } from "../../src/journal/damage-error.js";
import { nodeDisk } from "../../src/journal/node-disk.js";
import { EPOCH } from "../../src/protocol/id.js";
import * as record from "../../src/shard/log/record.js";
import { checksum, type Keeper, START } from "../journal/keeper.js";
import { expectRemembered, remembered } from "../shard/remembered.js";
import {
  bodies,
  bytesOf,
  changeHead,
  damage,
  keeperOf,
  pathOf,
  recordsOf,
  segmentsOf,
  shardOf,
  temporary,
} from "./data.js";

const NOW = START + 3_600_000;

const repair = (data: string, out: string): ShardRepair => {
  const [shard] = repairData(nodeDisk, data, out, checksum, NOW, () => {});
  if (shard === undefined) throw new Error("there is no shard");
  return shard;
};

/** Messages of every kind in several segments. */
const filled = (): { data: string; keeper: Keeper; out: string } => {
  const root = temporary();
  const data = join(root, "data");
  const keeper = keeperOf(data);
  keeper.configure("t", { retries: 1 });
  keeper.administer("declareQueue", "t", "other");
  for (let i = 0; i < 24; i++) {
    keeper.publish(bodies(20, `batch-${i}`));
    keeper.publish(bodies(2, `elsewhere-${i}`), { routeKey: "other" });
    keeper.publish(bodies(2, `late-${i}`), { delay: 600_000 });
    keeper.ack(keeper.pop(5));
    keeper.nack(keeper.pop(2), { reject: true });
    keeper.commit();
  }
  keeper.close();
  return { data, keeper, out: join(root, "out") };
};

describe("a repair", () => {
  it("of what is whole makes the same state", () => {
    const { data, keeper, out } = filled();
    const repaired = repair(data, out);
    expect(repaired).toMatchObject({ losses: [], torn: undefined, messages: 24 * 24 });
    const after = keeperOf(out, { now: NOW });
    expect(after.state).toEqual(keeper.state);
    expect(verifyData(nodeDisk, out, checksum, () => {})[0]).toMatchObject({ damage: [], torn: undefined });
  });

  it("of what is whole remembers what producers have numbered", () => {
    const data = join(temporary(), "data");
    const keeper = keeperOf(data, { segmentBytes: 4096 });
    for (let i = 0; i < 20; i++) {
      keeper.publish(bodies(10, `batch-${i}`), { producer: "p", sequence: 10 * i });
      keeper.ack(keeper.pop(10));
      keeper.commit();
    }
    keeper.close();
    const before = remembered(keeper.shard);
    const out = `${data}-repaired`;
    expect(segmentsOf(data).length).toBeGreaterThan(2);
    expect(repair(data, out).losses).toEqual([]);
    expect(before.size).toBe(200);
    expectRemembered(before, remembered(keeperOf(out, { now: keeper.now }).shard), keeper.now);
  });

  it("seals what it makes so that a last record that breaks later is found", () => {
    const { data, out } = filled();
    repair(data, out);
    const last = segmentsOf(out).at(-1) ?? 0;
    const records = recordsOf(out, last);
    const [before, commit, seal] = records.slice(-3);
    expect(commit?.text.charCodeAt(record.TYPE)).toBe(record.RecordType.COMMIT);
    expect(seal?.text.charCodeAt(record.TYPE)).toBe(record.RecordType.SEAL);
    damage(out, last, seal?.offset ?? 0, (seal?.offset ?? 0) + 16);
    damage(out, last, (before?.offset ?? 0) + 9, (before?.offset ?? 0) + 10);
    expect(() => keeperOf(out, { now: NOW })).toThrow(DamageError);
  });

  it("of a journal that a broker refuses keeps the messages of all other records", () => {
    const { data, keeper, out } = filled();
    const hit = recordsOf(data, 2).find(({ text }) => /batch-\d+-7/.test(text));
    if (hit === undefined) throw new Error("segment 2 has no batch");
    damage(data, 2, hit.offset + 60, hit.offset + 61);
    expect(() => keeperOf(data)).toThrow(DamageError);

    const before = readFileSync(pathOf(data, 2));
    const repaired = repair(data, out);
    expect(repaired.losses).toEqual([
      {
        file: pathOf(data, 2),
        offset: hit.offset,
        length: record.align(hit.length),
        what: "the checksum of the record is wrong",
      },
    ]);
    expect(readFileSync(pathOf(data, 2))).toEqual(before);
    const lost = new Set(hit.text.match(/batch-\d+-\d+\.*/g)?.map((body) => body.padEnd(40, ".")));
    expect(lost.size).toBe(20);
    const kept = keeper.bodies.filter((body) => !lost.has(body));
    const after = keeperOf(out, { now: NOW });
    expect(after.bodies).toEqual(kept);
    // It works, and what it does survives a restart.
    after.publish(bodies(3, "new"));
    after.commit();
    expect(keeperOf(out, { now: NOW }).bodies).toEqual(expect.arrayContaining([...kept, ...bodies(3, "new")]));
  });

  it("keeps the messages and positions of a channel of which no entry is left", () => {
    const root = temporary();
    const data = join(root, "data");
    const keeper = keeperOf(data, { segmentBytes: 1024 * 1024 });
    keeper.publish(["of the topic of that name"], { topic: "news" });
    keeper.configureChannel("news", { keep: true, maxMessages: 25 });
    for (let i = 0; i < 10; i++) keeper.publishChannel("news", bodies(3, `batch-${i}`), "key");
    keeper.commit();
    const before = keeper.state.find(({ topic }) => topic === "channel news");
    keeper.close();
    const [sequence = 0] = segmentsOf(data);
    for (const { kind, text, offset } of recordsOf(data, sequence)) {
      const isEntry = kind === "record" && text.charCodeAt(record.TYPE) === record.RecordType.DIRECTORY;
      if (isEntry && text.includes("channel")) damage(data, sequence, offset + 20, offset + 21);
    }
    expect(repair(data, join(root, "out")).losses).not.toEqual([]);
    const after = keeperOf(join(root, "out"), { now: NOW }).state;
    expect(after.map(({ topic }) => topic).sort()).toEqual(["channel news", "news"]);
    const found = after.find(({ topic }) => topic === "channel news");
    expect(found?.messages).toEqual(before?.messages);
    // Nobody knows what else was told of its positions: they count in another epoch.
    expect(found?.config).toMatchObject({ keep: true, epoch: "", next: 30 });
  });

  it("has the positions of a channel that lost something count in another epoch, and a start writes down which", () => {
    const root = temporary();
    const data = join(root, "data");
    const keeper = keeperOf(data);
    keeper.configureChannel("news", { keep: true });
    for (let i = 0; i < 10; i++) keeper.publishChannel("news", bodies(3, `batch-${i}`));
    keeper.commit();
    keeper.close();
    const out = join(root, "out");
    const numberingOf = (each: Keeper) => each.state[0]?.config as { epoch: string; next: number };
    const { epoch } = numberingOf(keeper);
    const sequence = segmentsOf(data).at(-1) ?? 0;
    const hit = recordsOf(data, sequence).findLast(({ text }) => text.includes("batch-9"));
    damage(data, sequence, (hit?.offset ?? 0) + 60, (hit?.offset ?? 0) + 61);
    repair(data, out);
    const after = keeperOf(out, { now: NOW });
    expect(numberingOf(after)).toMatchObject({ epoch: "", next: 27 });
    after.publishChannel("news", ["more"]);
    after.commit();
    expect(numberingOf(after).epoch).not.toBe(epoch);
    expect(numberingOf(keeperOf(out, { now: NOW }))).toEqual(numberingOf(after));
  });

  it("brings messages back of which an ack is lost, and says which bytes", () => {
    const { data, keeper, out } = filled();
    const hit = recordsOf(data, 1).find(({ kind, text }) => kind === "record" && text.charCodeAt(8) === 4);
    if (hit === undefined) throw new Error("segment 1 has no change of a state");
    damage(data, 1, hit.offset + 40, hit.offset + 44);
    const { losses } = repair(data, out);
    expect(losses).toMatchObject([{ offset: hit.offset, length: record.align(hit.length) }]);
    const after = keeperOf(out, { now: NOW });
    expect(after.bodies.length).toBe(keeper.bodies.length + 5);
  });

  it("knows topics and queues from elsewhere when their records are damaged, and makes up names that are nowhere", () => {
    const { data, keeper, out } = filled();
    expect(segmentsOf(data).length).toBeGreaterThan(2);
    const head = recordsOf(data, 1).filter(({ text }) => text.charCodeAt(8) === 5);
    for (const { offset } of head) damage(data, 1, offset + 17, offset + 18);
    repair(data, out);
    // The configuration as well: it is in the head of the second segment.
    expect(keeperOf(out, { now: NOW }).state).toEqual(keeper.state);

    const root = temporary();
    const small = keeperOf(join(root, "small"));
    small.administer("declareQueue", "t", "other");
    small.publish(["one"]);
    small.publish(["two"], { routeKey: "other" });
    small.commit();
    small.close();
    for (const { text, offset } of recordsOf(join(root, "small"), 1)) {
      if (text.charCodeAt(8) === 5) damage(join(root, "small"), 1, offset + 17, offset + 18);
    }
    repair(join(root, "small"), join(root, "saved"));
    const saved = keeperOf(join(root, "saved"), { now: NOW });
    expect(saved.state.map(({ messages }) => messages.length)).toEqual([1, 1]);
    expect(saved.pop(5).map(({ body }) => body)).toEqual(["one"]);
    expect(saved.pop(5, "t", "other").map(({ body }) => body)).toEqual(["two"]);
  });

  it("leaves a segment out that is missing, and one that is not whole from its head on gives its records", () => {
    const { data, out } = filled();
    const last = segmentsOf(data).at(-1) ?? 0;
    expect(last).toBeGreaterThan(3);
    rmSync(pathOf(data, 2));
    damage(data, 3, 0, 40);
    const inThree = recordsOf(data, 3).filter(({ text }) => text.includes("batch")).length;
    expect(inThree).toBeGreaterThan(0);
    const { losses } = repair(data, out);
    expect(losses.map(({ what }) => what)).toEqual([
      "segment 2 is missing",
      expect.stringMatching(/is not the length of a record/),
    ]);
    expect(segmentsOf(out)).toEqual(Array.from({ length: last - 1 }, (_, i) => i + 1));
    const kept = new Set(keeperOf(out, { now: NOW }).bodies);
    for (const { text } of recordsOf(data, 3)) {
      for (const [body] of text.matchAll(/late-\d+-\d+\.{25,}/g)) expect(kept).toContain(body.padEnd(40, "."));
    }
  });

  it.each([
    ["cut at the end of a record", (bytes: Buffer, at: number) => bytes.subarray(0, at)],
    ["zeroed from a record on", (bytes: Buffer, at: number) => Buffer.concat([bytes.subarray(0, at)], bytes.length)],
    ["emptied", () => Buffer.alloc(0)],
    ["zeroed", (bytes: Buffer) => Buffer.alloc(bytes.length)],
  ])("says what is lost of a segment that is %s", (_, change) => {
    const { data, out } = filled();
    const last = segmentsOf(data).at(-1) ?? 0;
    for (const sequence of [2, last]) {
      const whole = bytesOf(data, sequence);
      const cut = recordsOf(data, sequence).findLast(({ text }) => text.includes("batch"))?.offset ?? 0;
      expect(cut).toBeGreaterThan(0);
      const changed = change(whole, cut);
      writeFileSync(pathOf(data, sequence), changed);
      const end = changed.some((byte) => byte !== 0) ? cut : 0;
      const { losses } = repair(data, `${out}-${sequence}`);
      expect(losses).toMatchObject([{ file: pathOf(data, sequence), offset: end }]);
      if (sequence === last) {
        expect(losses[0]?.what).toMatch(/^it ends there, and the ledger says that its first \d+ bytes were on disk$/);
        expect(losses[0]?.length).toBeGreaterThan(0);
      }
      expect(verifyData(nodeDisk, data, checksum, () => {})[0]?.damage).toMatchObject([losses[0] && { offset: end }]);
      writeFileSync(pathOf(data, sequence), whole);
    }
  });

  it("takes nothing from a segment of another shard, and says so", () => {
    const { data, keeper, out } = filled();
    const { length } = bytesOf(data, 2);
    const foreign = new Set(recordsOf(data, 2).flatMap(({ text }) => text.match(/[a-z]+-\d+-\d+\.{9,}/g) ?? []));
    expect(foreign.size).toBeGreaterThan(20);
    changeHead(data, 2, (bytes) => bytes.writeUInt16BE(7, record.SHARD));
    const last = segmentsOf(data).at(-1) ?? 0;
    expect(repair(data, out).losses).toEqual([
      { file: pathOf(data, 2), offset: 0, length, what: "it belongs to shard 7, not to shard 0" },
    ]);
    expect(segmentsOf(out)).toEqual(Array.from({ length: last - 1 }, (_, i) => i + 1));
    const after = keeperOf(out, { now: NOW }).bodies;
    expect(after.filter((body) => foreign.has(body))).toEqual([]);
    expect(after).toEqual(expect.arrayContaining(keeper.bodies.filter((body) => !foreign.has(body))));
  });

  it("hands out no id again: not even those whose records are damaged", () => {
    const { data, out } = filled();
    repair(data, out);
    expect(keeperOf(out, { now: START }).shard.idCeiling).toBeGreaterThanOrEqual(NOW - EPOCH);
  });

  it("makes the topic again of a queue whose topic is lost", () => {
    const data = join(temporary(), "data");
    const keeper = keeperOf(data);
    keeper.publish(bodies(1, "first"), { topic: "first" });
    keeper.publish(bodies(3, "kept"), { topic: "lost" });
    keeper.commit();
    // A COMMIT that says that the broken bytes were on disk.
    keeper.publish(bodies(1, "last"), { topic: "first" });
    keeper.commit();
    const record = recordsOf(data, 1).find(({ text }) => /topic.+lost/.test(text));
    damage(data, 1, (record?.offset ?? 0) + 20, (record?.offset ?? 0) + 21);
    const out = `${data}-repaired`;
    expect(repair(data, out).losses).toHaveLength(1);
    expect(keeperOf(out, { now: NOW }).bodies.sort()).toEqual(
      [...bodies(1, "first"), ...bodies(3, "kept"), ...bodies(1, "last")].sort(),
    );
  });

  it("is refused where there is something, and leaves it as it is", () => {
    const { data } = filled();
    expect(() => repair(data, data)).toThrow(DataDirectoryError);
    const empty = temporary();
    expect(() => repair(data, empty)).toThrow(/exists/);
    expect(readdirSync(empty)).toEqual([]);
    expect(() => repair(temporary(), join(empty, "out"))).toThrow(/no ringmq.json/);
  });

  it("of a journal in which any one stretch is damaged starts again, with all that the stretch does not touch", () => {
    const root = temporary();
    const data = join(root, "data");
    const keeper = keeperOf(data, { segmentBytes: 4096 });
    for (let i = 0; i < 14; i++) {
      keeper.publish(bodies(8, `batch-${i}`));
      keeper.nack(keeper.pop(1));
      keeper.commit();
    }
    const originals = segmentsOf(data).map((sequence) => ({ sequence, bytes: bytesOf(data, sequence) }));
    expect(originals.length).toBeGreaterThan(1);
    for (const { sequence, bytes } of originals) {
      const items = recordsOf(data, sequence);
      const end = items.reduce((most, item) => Math.max(most, item.offset + item.length), 0);
      for (let at = 0; at < end; at += 97) {
        damage(data, sequence, at, at + 1 + (at % 40));
        const out = join(root, "out");
        const repaired = repair(data, out);
        const lost = repaired.losses.concat(repaired.torn ?? []);
        const hidden = new Set(
          items
            .filter(({ offset, length }) =>
              lost.some((l) => l.offset < offset + length && offset < l.offset + l.length),
            )
            .flatMap(({ text }) => text.match(/batch-\d+-\d+/g) ?? []),
        );
        const after = keeperOf(out, { now: NOW }).bodies.map((body) => body.replaceAll(".", ""));
        const expected = keeper.bodies.map((body) => body.replaceAll(".", "")).filter((body) => !hidden.has(body));
        expect(new Set(after)).toEqual(new Set(expected));
        expect(verifyData(nodeDisk, out, checksum, () => {})[0]?.damage).toEqual([]);
        rmSync(out, { recursive: true });
        nodeDisk.remove(pathOf(data, sequence));
        const file = nodeDisk.open(pathOf(data, sequence), "create");
        file.write(bytes, 0, bytes.length, 0);
        file.close();
      }
    }
    expect(shardOf(data)).toContain("shard-0");
  });
});
