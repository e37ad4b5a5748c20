import { readdirSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { verifyData } from "../../src/inspection/verification.js";
import { DamageError } from "../../src/journal/damage-error.js";
import { claimDataDirectory } from "../../src/journal/data-directory.js";
import { nodeDisk } from "../../src/journal/node-disk.js";
import * as record from "../../src/shard/log/record.js";
import { checksum } from "../journal/keeper.js";
import { bodies, changeHead, damage, keeperOf, pathOf, recordsOf, segmentsOf, shardOf, temporary } from "./data.js";

const verify = (data: string, onRead: (bytes: number) => void = () => {}) =>
  verifyData(nodeDisk, data, checksum, onRead);

/** Several segments; `isClosed`: the last one is sealed. */
const filled = (isClosed: boolean): string => {
  const data = join(temporary(), "data");
  const keeper = keeperOf(data);
  for (let i = 0; i < 20; i++) {
    keeper.publish(bodies(20, `batch-${i}`));
    keeper.commit();
  }
  if (isClosed) keeper.close();
  return data;
};

describe("a verification", () => {
  it.each([true, false])(
    "finds nothing in what a broker has left (stopped in order: %s), and changes nothing",
    (isClosed) => {
      const data = filled(isClosed);
      const names = readdirSync(shardOf(data)).sort();
      const before = names.map((name) => readFileSync(join(shardOf(data), name)));
      let read = 0;
      const [shard] = verify(data, (bytes) => {
        read += bytes;
      });
      expect(shard).toMatchObject({ shard: 0, messages: 400, damage: [], torn: undefined });
      expect(shard?.segments).toBe(segmentsOf(data).length);
      expect(shard?.segments).toBeGreaterThan(2);
      expect(shard?.records).toBeGreaterThan(40);
      expect(read).toBeGreaterThanOrEqual(shard?.bytes ?? 0);
      expect(names.map((name) => readFileSync(join(shardOf(data), name)))).toEqual(before);
    },
  );

  it("names the file and the offset of what is broken in the middle, and goes on in the next segment", () => {
    const data = filled(true);
    const hit = recordsOf(data, 2).at(-4);
    if (hit === undefined) throw new Error("segment 2 is too short");
    damage(data, 2, hit.offset + 9, hit.offset + 10);
    const [shard] = verify(data);
    expect(shard?.damage).toEqual([
      { file: pathOf(data, 2), offset: hit.offset, what: "the checksum of the record is wrong" },
    ]);
    expect(shard?.messages).toBeGreaterThan(200);
  });

  it("names a segment that is missing, one under another name, and a head that is broken", () => {
    const data = filled(true);
    rmSync(pathOf(data, 2));
    expect(verify(data)[0]?.damage).toEqual([{ file: shardOf(data), offset: 0, what: "segment 2 is missing" }]);
    damage(data, 1, record.SEGMENT_MAGIC, record.SEGMENT_MAGIC + 1);
    expect(verify(data)[0]?.damage).toContainEqual({
      file: pathOf(data, 1),
      offset: 0,
      what: "the checksum of the record is wrong",
    });
  });

  it.each(["first", "last", "replaced"] as const)(
    "names a segment of another shard (the %s one), and one that cannot be what it says, as a start does",
    (place) => {
      const data = filled(true);
      const sequence = place === "last" ? (segmentsOf(data).at(-1) ?? 0) : 1;
      changeHead(data, sequence, (bytes) => bytes.writeUInt16BE(7, record.SHARD));
      if (place === "replaced") changeHead(data, 2, (bytes) => bytes.writeUInt32BE(1, record.REPLACES));
      const what = "it belongs to shard 7, not to shard 0";
      expect(() => keeperOf(data)).toThrow(what);
      expect(verify(data)[0]?.damage).toEqual([{ file: pathOf(data, sequence), offset: record.SHARD, what }]);

      changeHead(data, sequence, (bytes) => bytes.writeUInt16BE(0, record.SHARD));
      expect(verify(data)[0]?.damage).toEqual([]);
      changeHead(data, sequence, (bytes) => bytes.writeUInt32BE(99, record.REPLACES));
      expect(() => keeperOf(data)).toThrow(`segment ${sequence} cannot replace 99`);
      expect(verify(data)[0]?.damage).toMatchObject([{ file: pathOf(data, sequence), offset: record.REPLACES }]);
    },
  );

  it("names the directory of a shard that is missing", () => {
    const data = filled(true);
    rmSync(shardOf(data), { recursive: true });
    expect(verify(data)[0]?.damage).toMatchObject([{ what: "the directory of this shard is missing" }]);
  });

  it("names every shard when the generation of the manifest is missing, and a start names the first", () => {
    const data = filled(true);
    rmSync(join(data, "generation-1"), { recursive: true });
    expect(verify(data)[0]?.damage).toMatchObject([{ what: "the directory of this shard is missing" }]);
    expect(() => claimDataDirectory(nodeDisk, data, 1)).toThrow(DamageError);
  });

  it("says what is wrong with what is no data directory", () => {
    const data = filled(true);
    expect(() => verify(join(data, "none"))).toThrow(/^there is no directory .*none$/);
    expect(() => verify(join(data, "ringmq.json"))).toThrow(/ringmq.json is no directory$/);
    expect(() => verify(join(data, "generation-1"))).toThrow(/no ringmq.json/);
  });

  it("tells the torn end of the last segment from damage: nothing behind it was confirmed", () => {
    const data = filled(false);
    const last = segmentsOf(data).at(-1) ?? 0;
    const end = verify(data)[0]?.bytes ?? 0;
    const before = segmentsOf(data)
      .slice(0, -1)
      .reduce((sum, sequence) => sum + (verifyEnd(data, sequence) ?? 0), 0);
    // The last record, a COMMIT, which no later record confirms.
    damage(data, last, end - before - 8, end - before);
    const [shard] = verify(data);
    expect(shard).toMatchObject({ damage: [], torn: { file: pathOf(data, last), what: "24 bytes of a torn end" } });
    damage(data, last, 100, 101);
    expect(verify(data)[0]).toMatchObject({ damage: [{ file: pathOf(data, last) }], torn: undefined });
  });

  it("calls a sealed segment that was cut short damaged", () => {
    const data = filled(true);
    truncateSync(pathOf(data, 1), 1_000);
    expect(verify(data)[0]?.damage).toMatchObject([{ file: pathOf(data, 1) }]);
  });
});

/** Where the records of a segment end. */
const verifyEnd = (data: string, sequence: number): number | undefined => {
  const bytes = readFileSync(pathOf(data, sequence));
  for (let at = 0; at + record.MIN_BYTES <= bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    if (length === 0) return at;
    const type = bytes.readUInt8(at + record.TYPE);
    at += record.align(length);
    if (type === record.RecordType.SEAL) return at;
  }
  return undefined;
};
