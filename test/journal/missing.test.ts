import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Loss, repairData } from "../../src/inspection/repair.js";
import { verifyData } from "../../src/inspection/verification.js";
import { claimDataDirectory } from "../../src/journal/data-directory.js";
import { LEDGER, segmentPath, shardDirectory } from "../../src/journal/layout.js";
import { Ledger, makeLedger, NO_SEGMENTS, readLedger } from "../../src/journal/ledger.js";
import { nodeDisk } from "../../src/journal/node-disk.js";
import { Durability } from "../../src/protocol/op.js";
import * as record from "../../src/shard/log/record.js";
import { SimulatedDisk } from "../simulation/simulated-disk.js";
import { checksum, Keeper, type KeeperOptions, START } from "./keeper.js";

const SIZES = { segmentBytes: 4096, pageBytes: 2048 };

const temporary = (): string => {
  const root = mkdtempSync(join(tmpdir(), "ringmq-missing-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  return root;
};

/** A shard of a data directory that tests take things away from. */
class Shard {
  readonly data: string;
  readonly directory: string;

  constructor(
    readonly shard = 0,
    readonly shards = 1,
    root = temporary(),
  ) {
    this.data = join(root, "data");
    claimDataDirectory(nodeDisk, this.data, shards).lock.release();
    this.directory = shardDirectory(this.data, 1, shard);
  }

  open(options: Partial<KeeperOptions> = {}): Keeper {
    return new Keeper({ disk: nodeDisk, directory: this.directory, shard: this.shard, ...SIZES, ...options });
  }

  path(sequence: number): string {
    return segmentPath(this.directory, sequence);
  }

  get sequences(): number[] {
    return readdirSync(this.directory)
      .filter((name) => name.endsWith(".seg"))
      .map((name) => Number.parseInt(name, 10))
      .sort((a, b) => a - b);
  }

  /** Messages in four segments or more, the last of which was committed to several times; then a kill, or a clean end. */
  fill(end: "killed" | "at rest" | "closed"): Keeper {
    const keeper = this.open();
    for (let i = 0; i < 18; i++) {
      keeper.publish(Array.from({ length: 4 }, (_, j) => `m${i}-${j}`.padEnd(200, ".")));
      expect(keeper.commit()).toBe(true);
    }
    expect(this.sequences.length).toBeGreaterThanOrEqual(4);
    if (end === "at rest") keeper.tick(50);
    if (end === "closed") keeper.close();
    return keeper;
  }

  /** What a start and `journal verify` say of it: the same. */
  get refusal(): string {
    let said = "";
    try {
      this.open();
    } catch (error) {
      ({ message: said } = error as Error);
    }
    const all = verifyData(nodeDisk, this.data, checksum, () => {});
    const damage = all[this.shard]?.damage ?? [];
    expect(damage.length > 0).toBe(said !== "");
    return said;
  }

  /** Repairs it, and returns what was lost and what is left. */
  repair(): { losses: readonly Loss[]; bodies: string[] } {
    const out = join(temporary(), "out");
    const repairs = repairData(nodeDisk, this.data, out, checksum, START, () => {});
    for (const { damage, torn } of verifyData(nodeDisk, out, checksum, () => {})) {
      expect([...damage, torn]).toEqual([undefined]);
    }
    const directory = shardDirectory(out, 1, this.shard);
    const keeper = new Keeper({ disk: nodeDisk, directory, shard: this.shard, ...SIZES, now: START });
    return { losses: repairs[this.shard]?.losses ?? [], bodies: keeper.bodies };
  }
}

const zero = (path: string): void => writeFileSync(path, Buffer.alloc(readFileSync(path).length));

const flip = (path: string, at: number): void => {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 0x01;
  writeFileSync(path, bytes);
};

/** Where the last record before the end, a COMMIT or a SEAL, begins; and the one before that. */
const lastRecords = (path: string): number[] => {
  const bytes = readFileSync(path);
  const places: number[] = [];
  for (let at = 0; at + record.MIN_BYTES <= bytes.length && bytes.readUInt32BE(at) > 0; ) {
    places.push(at);
    at += record.align(bytes.readUInt32BE(at));
  }
  return places;
};

describe.each(["killed", "at rest", "closed"] as const)("of a journal whose broker was %s", (end) => {
  it.each([
    ["removed", (path: string) => rmSync(path), "the file is missing"],
    ["emptied", (path: string) => truncateSync(path, 0), "shorter than the head of a segment"],
    ["zeroed", zero, "there is no record"],
    ["cut within its head", (path: string) => truncateSync(path, 30), "shorter than the head of a segment"],
    ["cut behind its head", (path: string) => truncateSync(path, 60), "the ledger says that its first"],
  ] as const)("the last segment is missed that was %s", (_, harm, what) => {
    const shard = new Shard();
    const keeper = shard.fill(end);
    const last = shard.sequences.at(-1) ?? 0;
    harm(shard.path(last));
    expect(shard.refusal).toContain(shard.path(last));
    expect(shard.refusal).toContain(what);
    const { losses, bodies } = shard.repair();
    expect(losses.length).toBeLessThanOrEqual(1);
    expect(bodies.length).toBeGreaterThan(keeper.bodies.length / 2);
    expect(keeper.bodies).toEqual(expect.arrayContaining(bodies));
  });

  it.each([0, 1, -2])("segment %i of all is missed that was removed", (index) => {
    const shard = new Shard();
    const keeper = shard.fill(end);
    const sequence = shard.sequences.at(index) ?? 0;
    rmSync(shard.path(sequence));
    expect(shard.refusal).toContain(`${shard.path(sequence)}, at byte 0: the file is missing`);
    const { losses, bodies } = shard.repair();
    expect(losses).toMatchObject([{ what: `segment ${sequence} is missing` }]);
    expect(bodies.length).toBeGreaterThan(keeper.bodies.length / 2);
  });

  it("two segments that were swapped are called by their names, and all is saved", () => {
    const shard = new Shard();
    const keeper = shard.fill(end);
    const [, second = 0, third = 0] = shard.sequences;
    renameSync(shard.path(second), join(shard.directory, "x"));
    renameSync(shard.path(third), shard.path(second));
    renameSync(join(shard.directory, "x"), shard.path(third));
    expect(shard.refusal).toContain(`${shard.path(second)}, at byte 16: it is segment ${third} under another name`);
    expect(shard.repair()).toEqual({ losses: [], bodies: keeper.bodies });
  });

  it.each([0, 1, -1])("segment %i of all is called by its name when it was renamed, and all is saved", (index) => {
    const shard = new Shard();
    const keeper = shard.fill(end);
    const sequence = shard.sequences.at(index) ?? 0;
    renameSync(shard.path(sequence), shard.path(77));
    expect(shard.refusal).toContain(`${shard.path(77)}, at byte 16: it is segment ${sequence} under another name`);
    expect(shard.repair()).toEqual({ losses: [], bodies: keeper.bodies });
  });

  it("a copy of a segment is called by its name, and counts once", () => {
    const shard = new Shard();
    const keeper = shard.fill(end);
    copyFileSync(shard.path(2), shard.path((shard.sequences.at(-1) ?? 0) + 1));
    expect(shard.refusal).toContain("it is segment 2 under another name");
    const { losses, bodies } = shard.repair();
    expect(losses).toMatchObject([{ what: "it is segment 2 under another name" }]);
    expect(bodies).toEqual(keeper.bodies);
  });

  it("a segment of another shard is called by its name, at whatever place it was put", () => {
    const root = temporary();
    const shard = new Shard(0, 2, root);
    const other = new Shard(1, 2, root);
    const keeper = shard.fill(end);
    other.fill(end);
    const next = (shard.sequences.at(-1) ?? 0) + 1;
    copyFileSync(other.path(2), shard.path(next));
    expect(shard.refusal).toContain(`${shard.path(next)}, at byte 32: it belongs to shard 1, not to shard 0`);
    rmSync(shard.path(next));
    const original = readFileSync(shard.path(2));
    copyFileSync(other.path(2), shard.path(2));
    expect(shard.refusal).toContain(`${shard.path(2)}, at byte 32: it belongs to shard 1, not to shard 0`);
    writeFileSync(shard.path(2), original);
    copyFileSync(join(other.directory, LEDGER), join(shard.directory, LEDGER));
    expect(shard.refusal).toContain(`${LEDGER}, at byte 8: it belongs to shard 1, not to shard 0`);
    expect(shard.repair().bodies).toEqual(keeper.bodies);
  });

  it("the ledger is missed, and all is saved", () => {
    const shard = new Shard();
    const keeper = shard.fill(end);
    rmSync(join(shard.directory, LEDGER));
    expect(shard.refusal).toContain(`${LEDGER}, at byte 0: the file is missing`);
    const { losses, bodies } = shard.repair();
    expect(losses).toMatchObject([{ length: 0, what: expect.stringContaining("not known") }]);
    expect(bodies).toEqual(keeper.bodies);
  });

  it("all is there when nothing is done to it, also after segments were reclaimed", () => {
    const shard = new Shard();
    const keeper = shard.fill(end);
    expect(shard.refusal).toBe("");
    const after = shard.open({ now: keeper.now });
    expect(after.bodies).toEqual(keeper.bodies);
    after.ack(after.pop(1000));
    expect(after.commit()).toBe(true);
    for (let i = 0; i < 5; i++) after.tick();
    expect(shard.sequences[0]).toBeGreaterThan(1);
    expect(readLedger(nodeDisk, shard.directory, 0)).toMatchObject({ first: shard.sequences[0] });
    const again = shard.open({ now: after.now });
    expect(again.bodies).toEqual([]);
    rmSync(shard.path(shard.sequences[0] ?? 0));
    expect(shard.refusal).toContain("the file is missing");
  });
});

describe("the last commit before a kill", () => {
  /** Published once, confirmed, and killed when the shard had rested for a moment, or before. */
  const published = (hasRested: boolean): { shard: Shard; last: string; at: number } => {
    const shard = new Shard();
    const keeper = shard.open();
    keeper.publish(Array.from({ length: 9 }, (_, i) => `m${i}`));
    expect(keeper.commit()).toBe(true);
    if (hasRested) keeper.tick(50);
    const last = shard.path(1);
    const [before = 0] = lastRecords(last).slice(-2);
    return { shard, last, at: before + record.NAMES + 20 };
  };

  it("has proof when the shard has rested: a byte that breaks in it is damage", () => {
    const { shard, last, at } = published(true);
    flip(last, at);
    const place = lastRecords(last).at(-2);
    expect(shard.refusal).toContain(
      `${last}, at byte ${place}: the checksum of the record is wrong, and the ledger says`,
    );
    const { losses } = shard.repair();
    expect(losses).toMatchObject([{ file: last, offset: place }]);
  });

  it("has proof for the end of what repairs and what recoveries seal", () => {
    const { shard, last } = published(true);
    shard.open();
    const seal = lastRecords(last).at(-1) ?? 0;
    flip(last, seal + record.TYPE);
    expect(shard.refusal).toContain(`${last}, at byte ${seal}`);
  });

  it("has proof at the latest a second after it, under a load without a rest", () => {
    const shard = new Shard();
    const keeper = shard.open({ segmentBytes: 1024 * 1024 });
    let known = 0;
    for (let i = 0; i < 100; i++) {
      keeper.publish([`m${i}`]);
      expect(keeper.commit()).toBe(true);
      keeper.tick(20);
      const { bytes } = readLedger(nodeDisk, shard.directory, 0);
      if (bytes > known) known = bytes;
    }
    const used = keeper.shard.store.log.segments.last?.used ?? 0;
    expect(known).toBeGreaterThan(used / 3);
    // Written twice in these two seconds, besides the first time.
    expect(known).toBeLessThan(used);
  });
});

describe("a clean end", () => {
  it.each([Durability.write, Durability.fsync])("is on disk when power goes after it (level %i)", (level) => {
    for (let seed = 1; seed <= 30; seed++) {
      const disk = new SimulatedDisk(seed);
      disk.makeDirectory("/shard-0");
      disk.syncDirectory("/");
      const options = { disk, directory: "/shard-0", level, ...SIZES };
      const keeper = new Keeper(options);
      for (let i = 0; i < 12; i++) {
        keeper.publish([`m${i}`.padEnd(200, ".")]);
        expect(keeper.commit()).toBe(true);
      }
      keeper.close();
      disk.restart("power", seed);
      const after = new Keeper({ ...options, now: keeper.now });
      expect(after.bodies).toEqual(keeper.bodies);
      expect(after.report.cut).toBeUndefined();
    }
  });
});

describe("a ledger", () => {
  it("is the entry before or the new one, wherever power goes while it is written", () => {
    let torn = 0;
    for (let seed = 1; seed <= 300; seed++) {
      const disk = new SimulatedDisk(seed);
      disk.makeDirectory("/shard-0");
      disk.syncDirectory("/");
      makeLedger(disk, "/shard-0", 0, NO_SEGMENTS);
      const ledger = Ledger.open(disk, "/shard-0");
      const entries = [NO_SEGMENTS];
      for (let last = 1; last <= 1 + (seed % 4); last++) {
        ledger.write({ first: 1, last, bytes: last * 100 });
        entries.push(ledger.entry);
      }
      const next = { first: 2, last: 9, bytes: 900 };
      disk.crashAfter(1 + (seed % 2));
      try {
        ledger.write(next);
      } catch {
        torn++;
      }
      disk.restart("power", seed);
      expect([entries.at(-1), next]).toContainEqual(readLedger(disk, "/shard-0", 0));
    }
    expect(torn).toBeGreaterThan(100);
  });

  it("is refused when it has no whole entry", () => {
    const shard = new Shard();
    shard.fill("closed");
    zero(join(shard.directory, LEDGER));
    expect(shard.refusal).toContain(`${LEDGER}, at byte 0: it has no whole entry`);
    truncateSync(join(shard.directory, LEDGER), 100);
    expect(shard.refusal).toContain("it has no whole entry");
  });
});
