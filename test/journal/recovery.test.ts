import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DamageError } from "../../src/journal/damage-error.js";
import { LEDGER, segmentPath } from "../../src/journal/layout.js";
import { makeLedger } from "../../src/journal/ledger.js";
import { nodeDisk } from "../../src/journal/node-disk.js";
import { Durability } from "../../src/protocol/op.js";
import * as record from "../../src/shard/log/record.js";
import { Keeper, type KeeperOptions } from "./keeper.js";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "ringmq-journal-"));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

const open = (options: Partial<KeeperOptions> = {}): Keeper => new Keeper({ disk: nodeDisk, directory, ...options });

/** Besides the ledger. */
const files = (): string[] =>
  readdirSync(directory)
    .filter((name) => name !== LEDGER)
    .sort();

/** Unique bodies. */
const bodies = (count: number, mark: string, length = 40): string[] =>
  Array.from({ length: count }, (_, i) => `${mark}-${i}`.padEnd(length, "."));

/** Records of every kind, in a few commits. */
const live = (keeper: Keeper): void => {
  keeper.configure("t", { retries: 1, ttr: 5000 });
  keeper.publish(bodies(20, "ready"));
  keeper.publish(bodies(3, "late"), { delay: 60_000 });
  keeper.publish(bodies(3, "short"), { ttl: 100_000 });
  expect(keeper.commit()).toBe(true);
  keeper.ack(keeper.pop(5));
  keeper.nack(keeper.pop(4));
  keeper.nack(keeper.pop(2), { reject: true });
  keeper.nack(keeper.pop(1), { delay: 30_000 });
  expect(keeper.commit()).toBe(true);
  keeper.administer("declareQueue", "t", "other");
  keeper.publish(bodies(2, "elsewhere"), { routeKey: "other" });
  keeper.administer("pause", "t", "other");
  expect(keeper.commit()).toBe(true);
};

describe("what was committed is there again", () => {
  it("after a kill", () => {
    const before = open();
    live(before);
    const after = open({ now: before.now });
    expect(after.state).toEqual(before.state);
    expect(after.report).toMatchObject({ segments: 1, nextSequence: 2 });
    expect(after.report.cut).toBeUndefined();
  });

  it("after a clean end, and after many of them", () => {
    const first = open();
    live(first);
    first.close();
    for (let i = 2; i < 6; i++) {
      const next = open({ now: first.now });
      expect(next.state).toEqual(first.state);
      // Without changes nothing is written.
      expect(files()).toEqual(["00000001.seg"]);
      next.close();
    }
  });

  it("when the file of each run is another segment", () => {
    let all: string[] = [];
    for (let run = 0; run < 5; run++) {
      const keeper = open();
      expect(keeper.bodies).toEqual(all);
      const more = bodies(3, `run ${run}`);
      keeper.publish(more);
      expect(keeper.commit()).toBe(true);
      all = [...all, ...more];
      if (run % 2 === 1) keeper.close();
    }
    expect(files()).toEqual([1, 2, 3, 4, 5].map((n) => `0000000${n}.seg`));
  });

  it("from several segments with several pages", () => {
    const before = open();
    for (let i = 0; i < 60; i++) {
      before.publish(bodies(5, `batch ${i}`, 100));
      if (i % 3 === 0) expect(before.commit()).toBe(true);
    }
    before.ack(before.pop(1));
    expect(before.commit()).toBe(true);
    const progress: number[] = [];
    const after = open({ now: before.now, onProgress: (bytes) => progress.push(bytes) });
    expect(after.state).toEqual(before.state);
    expect(after.report.segments).toBeGreaterThan(3);
    expect(progress.at(-1)).toBe(after.report.bytes);
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
  });

  it("when a record is longer than a page and than a segment", () => {
    const before = open();
    before.publish(["x".repeat(3000)]);
    before.publish(["y".repeat(20_000)]);
    before.publish(["z"]);
    expect(before.commit()).toBe(true);
    expect(open({ now: before.now }).state).toEqual(before.state);
  });

  it("with what was in flight ready again, its deliveries counted", () => {
    const before = open();
    before.publish(bodies(2, "m"));
    before.nack(before.pop(1));
    const [, second] = before.pop(2);
    expect(before.commit()).toBe(true);
    const after = open({ now: before.now });
    const again = after.pop(2);
    expect(again.map(({ body }) => body).sort()).toEqual(bodies(2, "m"));
    expect(again.find(({ id }) => id === second?.id)?.retry).toBe(1);
  });

  it("without what had not been committed", () => {
    const before = open();
    before.publish(bodies(3, "kept"));
    expect(before.commit()).toBe(true);
    before.publish(bodies(3, "never written"));
    expect(open().bodies).toEqual(bodies(3, "kept"));
  });

  it("with ids that nobody has had", () => {
    const before = open();
    before.publish(bodies(1, "m"));
    before.commit();
    expect(open().shard.idCeiling).toBe(before.shard.idCeiling);
  });

  it("when checksums of segments that were verified are not looked at", () => {
    const before = open();
    before.publish(bodies(10, "m"));
    before.commit();
    before.close();
    const bytes = readFileSync(segmentPath(directory, 1));
    bytes.write("changed", bytes.indexOf("m-3"));
    writeFileSync(segmentPath(directory, 1), bytes);
    expect(() => open()).toThrow(DamageError);
    expect(open({ verified: new Set([1]) }).bodies[3]).toMatch(/^changed/);
  });
});

describe("a torn end", () => {
  const tornAt = (bytes: number): { before: Keeper; path: string } => {
    const before = open();
    before.publish(bodies(3, "whole"));
    expect(before.commit()).toBe(true);
    const { used } = before.shard.store.log.segments.last ?? { used: 0 };
    before.publish(bodies(3, "torn"));
    expect(before.commit()).toBe(true);
    const path = segmentPath(directory, 1);
    truncateSync(path, used + bytes);
    return { before, path };
  };

  it("is cut at the last whole record, and that is said", () => {
    const { path } = tornAt(60);
    const { size } = statSync(path);
    const after = open();
    expect(after.bodies).toEqual(bodies(3, "whole"));
    expect(after.report.cut).toEqual({ file: path, offset: size - 60, bytes: expect.closeTo(60, -1) });
    // It is whole now: nothing more is cut, and later messages are found after it.
    after.publish(bodies(1, "more"));
    expect(after.commit()).toBe(true);
    const again = open();
    expect(again.report.cut).toBeUndefined();
    expect(again.bodies).toEqual([...bodies(3, "whole"), ...bodies(1, "more")]);
  });

  it("is sealed so that a last record that breaks later is damage, and not another torn end", () => {
    const { path } = tornAt(60);
    open();
    const bytes = readFileSync(path);
    // The last record kept, and the seal after it as well.
    const at = bytes.lastIndexOf("whole-2");
    expect(at).toBeGreaterThan(0);
    bytes.write("broken", at);
    bytes.fill(0, bytes.length - record.SEAL_BYTES);
    writeFileSync(path, bytes);
    expect(() => open()).toThrow(DamageError);
  });

  it("is no end of the segment before when the next one was not begun as a whole", () => {
    const before = open({ pageBytes: 1024, segmentBytes: 1024 });
    for (let i = 0; i < 3; i++) {
      before.publish(bodies(4, `batch ${i}`, 150));
      expect(before.commit()).toBe(true);
    }
    const last =
      files()
        .filter((name) => name.endsWith(".seg"))
        .at(-1) ?? "";
    expect(last > "00000002.seg").toBe(true);
    truncateSync(join(directory, last), 20);
    expect(() => open()).toThrow("the ledger says");
    // As it was until something of the last segment was on disk.
    makeLedger(nodeDisk, directory, 0, { first: 1, last: Number.parseInt(last, 10) - 1, bytes: 0 });
    const after = open({ pageBytes: 1024, segmentBytes: 1024 });
    expect(files()).not.toContain(last);
    expect(after.bodies.length).toBeGreaterThan(0);
    expect(after.report.cut).toEqual({ file: join(directory, last), offset: 0, bytes: expect.any(Number) });
  });
});

describe("damage", () => {
  /** Several commits in each of several segments. */
  const write = (): Keeper => {
    const keeper = open({ segmentBytes: 4096 });
    for (let i = 0; i < 24; i++) {
      keeper.publish(bodies(5, `batch ${i}`, 100));
      expect(keeper.commit()).toBe(true);
    }
    return keeper;
  };
  const contents = (): unknown => files().map((name) => [name, readFileSync(join(directory, name)).toString("latin1")]);

  it("in the middle of the last segment is told from a torn end by the commits behind it", () => {
    const keeper = open();
    for (let i = 0; i < 3; i++) {
      keeper.publish(bodies(1, `batch ${i}`));
      keeper.commit();
    }
    const path = segmentPath(directory, 1);
    const bytes = readFileSync(path);
    bytes.write("!", bytes.indexOf("batch 0"));
    writeFileSync(path, bytes);
    expect(() => open()).toThrow(DamageError);
  });

  it("names the file, the place and what to do, and changes nothing", () => {
    write();
    const path = segmentPath(directory, 1);
    const bytes = readFileSync(path);
    const at = bytes.indexOf("batch 1");
    bytes.write("!", at);
    writeFileSync(path, bytes);
    const before = contents();
    let error: unknown;
    try {
      open({ segmentBytes: 4096 });
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(DamageError);
    const damage = error as DamageError;
    expect(damage.file).toBe(path);
    expect(at - damage.offset).toBeLessThan(100);
    expect(damage.message).toMatch(/ringmq journal verify .*ringmq journal repair/);
    expect(contents()).toEqual(before);
  });

  it("is a segment that is missing in the middle, or cut short", () => {
    write();
    const second = segmentPath(directory, 2);
    const bytes = readFileSync(second);
    truncateSync(second, 500);
    expect(() => open()).toThrow(DamageError);
    unlinkSync(second);
    expect(() => open()).toThrow(/00000002\.seg.*missing/);
    writeFileSync(second, bytes);
    expect(open().bodies).toHaveLength(120);
  });

  it("is a segment of another place", () => {
    write();
    const path = segmentPath(directory, 1);
    const bytes = readFileSync(path);
    writeFileSync(segmentPath(directory, 2), bytes);
    expect(() => open()).toThrow(DamageError);
  });
});

describe("segments", () => {
  it("are deleted or kept as spares when nothing in them is needed, and what was in them does not come back", () => {
    const keeper = open({ segmentBytes: 4096 });
    for (let round = 0; round < 20; round++) {
      keeper.publish(bodies(10, `round ${round}`, 150));
      keeper.ack(keeper.pop(10));
      expect(keeper.commit()).toBe(true);
      keeper.tick();
      expect(files().length).toBeLessThanOrEqual(4);
    }
    keeper.publish(bodies(3, "kept"));
    expect(keeper.commit()).toBe(true);
    expect(Number.parseInt(files()[0] ?? "", 10)).toBeGreaterThan(5);
    // The file being written was another segment before.
    const last =
      files()
        .filter((name) => name.endsWith(".seg"))
        .at(-1) ?? "";
    expect(readFileSync(join(directory, last)).includes("round 1")).toBe(true);
    const after = open({ now: keeper.now, segmentBytes: 4096 });
    expect(after.bodies).toEqual(bodies(3, "kept"));
    expect(after.report.cut).toBeUndefined();
    expect(files().every((name) => name.endsWith(".seg"))).toBe(true);
  });

  it("that are used again end where they do now, not where they did", () => {
    const keeper = open({ segmentBytes: 4096 });
    for (let round = 0; round < 30; round++) {
      keeper.publish(bodies(5, `round ${round}`, 150));
      expect(keeper.commit()).toBe(true);
      const copy = mkdtempSync(join(tmpdir(), "ringmq-journal-"));
      cpSync(directory, copy, { recursive: true });
      const { cut } = new Keeper({ disk: nodeDisk, directory: copy, segmentBytes: 4096, now: keeper.now }).report;
      rmSync(copy, { recursive: true });
      expect(cut, `round ${round}`).toBeUndefined();
      keeper.ack(keeper.pop(5));
      expect(keeper.commit()).toBe(true);
      keeper.tick();
    }
    expect(Number.parseInt(files()[0] ?? "", 10)).toBeGreaterThan(5);
  });

  it("stay while what has made their messages dead is not durable", () => {
    const keeper = open({ segmentBytes: 4096, level: Durability.write });
    keeper.publish(bodies(20, "m", 300));
    keeper.commit();
    expect(keeper.shard.store.log.segments.all.length).toBeGreaterThan(1);
    keeper.ack(keeper.pop(20));
    keeper.tick();
    expect(open({ now: keeper.now }).bodies).toEqual([]);
  });

  it("come from spares that were asked for", () => {
    const asked: string[] = [];
    const keeper = open({ segmentBytes: 4096, wantSpare: (path) => asked.push(path) });
    keeper.publish(bodies(10, "m", 200));
    keeper.commit();
    // While segments fill too fast for zeros to pay off, no spare is requested.
    expect(asked).toEqual([]);
    keeper.now += 10_000;
    keeper.ack(keeper.pop(1));
    keeper.commit();
    expect(asked).toHaveLength(1);
    const [path = ""] = asked;
    writeFileSync(path, new Uint8Array(4096));
    keeper.journal.spareAnswered("/somewhere/else", true, keeper.now);
    keeper.journal.spareAnswered(path, true, keeper.now);
    keeper.publish(bodies(10, "n", 300));
    keeper.commit();
    expect(files().map((name) => join(directory, name))).not.toContain(path);
    expect(open().bodies).toHaveLength(19);
  });

  it("are read back page by page when their messages have left memory", () => {
    const memoryBytes = open().shard.bytes + 16_384;
    const keeper = open({ memoryBytes, segmentBytes: 16_384 });
    const all: string[] = [];
    for (let i = 0; i < 200; i++) {
      const more = bodies(2, `batch ${i}`, 200);
      keeper.publish(more);
      expect(keeper.commit()).toBe(true);
      all.push(...more);
    }
    const popped: string[] = [];
    for (let held = keeper.pop(10); held.length > 0; held = keeper.pop(10)) {
      popped.push(...held.map(({ body }) => body));
      keeper.ack(held);
    }
    expect(keeper.shard.store.log.pages.loads).toBeGreaterThan(10);
    expect(popped).toEqual(all);
  });
});

describe("a page that is read back", () => {
  it("is refused when it has been damaged meanwhile", () => {
    const memoryBytes = open().shard.bytes + 16_384;
    const keeper = open({ memoryBytes, segmentBytes: 16_384 });
    for (let i = 0; i < 150; i++) {
      keeper.publish(bodies(2, `batch ${i}`, 200));
      expect(keeper.commit()).toBe(true);
    }
    const damaged = segmentPath(directory, 2);
    const bytes = readFileSync(damaged);
    bytes.write("!", bytes.indexOf("batch"));
    writeFileSync(damaged, bytes);
    const consume = (): void => {
      while (keeper.pop(10).length > 0);
    };
    expect(consume).toThrow(/00000002\.seg.*checksum/);
  });
});

describe("what is only written", () => {
  it("is synced a second later", () => {
    let syncs = 0;
    const counting = {
      ...nodeDisk,
      open: (...args: Parameters<typeof nodeDisk.open>): ReturnType<typeof nodeDisk.open> => {
        const file = nodeDisk.open(...args);
        const { sync } = file;
        file.sync = () => {
          if (args[0].endsWith(".tmp") && args[1] === "write") syncs++;
          sync.call(file);
        };
        return file;
      },
    };
    const keeper = open({ disk: counting, level: Durability.write });
    // The first ids of a second are recorded durably.
    keeper.publish(bodies(1, "m"));
    expect(keeper.commit()).toBe(true);
    syncs = 0;
    keeper.publish(bodies(1, "n"));
    expect(keeper.commit()).toBe(true);
    expect(syncs).toBe(0);
    keeper.tick(999);
    expect(syncs).toBe(0);
    keeper.tick(1);
    expect(syncs).toBe(1);
    // The ledger is to know.
    keeper.tick(50);
    expect(keeper.journal.tick(keeper.shard.store.log, keeper.now)).toBe(Number.POSITIVE_INFINITY);
  });
});
