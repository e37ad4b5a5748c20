import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { SyncError } from "../../src/journal/disk-fault.js";
import { nodeDisk } from "../../src/journal/node-disk.js";
import { Durability } from "../../src/protocol/op.js";
import { type Fault, FaultyDisk, type Operation } from "./faulty-disk.js";
import { Keeper, type KeeperOptions } from "./keeper.js";
import { segmentOf } from "./make-fixture.js";

const directories: string[] = [];

afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

const makeDirectory = (): string => {
  const directory = mkdtempSync(join(tmpdir(), "ringmq-faults-"));
  directories.push(directory);
  return directory;
};

const ROUNDS = 8;

/** What clients know: confirmed bodies and confirmed acks. */
class History {
  readonly disk = new FaultyDisk(nodeDisk);
  readonly directory = makeDirectory();
  readonly keeper: Keeper;
  readonly confirmed = new Set<string>();
  readonly acked = new Set<string>();
  /** Published or acked, and not confirmed. */
  readonly open = new Set<string>();
  #unconfirmed: string[] = [];
  #unackedYet: string[] = [];

  constructor(
    fault: Fault | undefined,
    private readonly options: Partial<KeeperOptions> = {},
  ) {
    this.keeper = this.#open(this.disk);
    this.disk.fault = fault;
  }

  #open(disk = nodeDisk as KeeperOptions["disk"], now?: number): Keeper {
    const { directory, options } = this;
    return new Keeper({ segmentBytes: 4096, ...options, disk, directory, ...(now !== undefined && { now }) });
  }

  /** In each round: publishes, acks some messages, and lets some time pass. */
  play(rounds = ROUNDS, from = 0): void {
    for (let round = from; round < from + rounds; round++) {
      if (this.keeper.journal.roomForPublishes(this.keeper.shard.store.log)) this.#publish(round);
      this.commit();
      const held = this.keeper.pop(3);
      this.keeper.ack(held);
      this.#unackedYet.push(...held.map(({ body }) => body));
      this.commit();
      this.keeper.tick(1000);
      this.commit();
    }
  }

  #publish(round: number): void {
    const bodies = [0, 1, 2, 3].map((i) => `round ${round} ${i} `.padEnd(200, "."));
    this.keeper.publish(bodies);
    this.#unconfirmed.push(...bodies);
  }

  commit(): boolean {
    const done = this.keeper.commit();
    if (done) {
      for (const body of this.#unconfirmed.splice(0)) this.confirmed.add(body);
      for (const body of this.#unackedYet.splice(0)) this.acked.add(body);
    }
    return done;
  }

  /** Restarts on a disk without faults, and compares. */
  expectKept(): void {
    const found = this.#open(nodeDisk, this.keeper.now).bodies;
    const uncertain = new Set([...this.#unconfirmed, ...this.#unackedYet]);
    const expected = [...this.confirmed].filter((body) => !this.acked.has(body));
    expect(found.filter((body) => !uncertain.has(body)).sort()).toEqual(
      expected.filter((body) => !uncertain.has(body)).sort(),
    );
    expect(new Set(found).size).toBe(found.length);
  }
}

/** How often a history without faults calls each operation. */
const callsOf = (operations: readonly Operation[]): number => {
  const history = new History(undefined);
  const before = { ...history.disk.calls };
  history.play();
  history.expectKept();
  expect(history.confirmed.size).toBe(4 * ROUNDS);
  return operations.reduce((sum, operation) => sum + history.disk.calls[operation] - before[operation], 0);
};

/** Plays one history for each call that can fail, and checks each. */
const atEachCall = (fault: Omit<Fault, "from">, check: (history: History, from: number) => void): void => {
  const calls = callsOf(fault.operations);
  expect(calls).toBeGreaterThan(3);
  for (let from = 1; from <= calls; from++) {
    const history = new History({ ...fault, from });
    history.play();
    expect(history.disk.hits, `call ${from}`).toBeGreaterThan(0);
    check(history, from);
  }
};

const goesOn = (history: History): void => {
  history.disk.fault = undefined;
  history.keeper.tick(2000);
  history.play(3, 100);
  expect(history.commit()).toBe(true);
  expect(history.keeper.journal.state).toEqual({ kind: "working" });
  expect([...history.confirmed].some((body) => body.startsWith("round 102"))).toBe(true);
  history.expectKept();
};

describe("a disk that is full for a while", () => {
  const OPERATIONS: readonly Operation[] = ["write", "create", "rename"];

  it("holds up what cannot be written, and everything goes on afterwards, at each call", () => {
    atEachCall({ operations: OPERATIONS, code: "ENOSPC" }, goesOn);
  });

  it("loses nothing of what was confirmed when the broker ends meanwhile, at each call", () => {
    atEachCall({ operations: OPERATIONS, code: "ENOSPC" }, (history) => history.expectKept());
  });

  it("may write half of what it was given", () => {
    atEachCall({ operations: ["write"], code: "ENOSPC", short: true }, goesOn);
    atEachCall({ operations: ["write"], code: "ENOSPC", short: true, times: 1 }, (history) => {
      expect(history.commit()).toBe(true);
      history.expectKept();
    });
  });

  it("refuses publishes while it takes acks in the room that was kept for them", () => {
    const history = new History(undefined, { segmentBytes: 16_384 });
    const { keeper, disk } = history;
    const { log } = keeper.shard.store;
    keeper.publish(Array.from({ length: 40 }, (_, i) => `m ${i} `.padEnd(250, ".")));
    expect(keeper.commit()).toBe(true);
    disk.fault = { operations: ["create"], from: 1, code: "ENOSPC" };
    let published = 0;
    while (keeper.journal.roomForPublishes(log)) {
      keeper.publish(["x".repeat(100)]);
      expect(keeper.commit()).toBe(true);
      published++;
      expect(published).toBeLessThan(1000);
    }
    expect(log.segments.all).toHaveLength(1);
    for (let i = 0; i < 10; i++) {
      keeper.ack(keeper.pop(1));
      expect(keeper.commit()).toBe(true);
    }
    disk.fault = undefined;
    keeper.tick();
    expect(keeper.journal.roomForPublishes(log)).toBe(true);
  });

  it("still takes acks in a file that could not be made full length", () => {
    const history = new History(undefined, { segmentBytes: 4096 });
    const { keeper, disk } = history;
    const { log } = keeper.shard.store;
    keeper.publish(Array.from({ length: 12 }, () => "m".repeat(200)));
    expect(keeper.commit()).toBe(true);
    // A commit of an ack is shorter than the zeros of a segment.
    disk.fault = { operations: ["write"], from: 1, least: 4096, code: "ENOSPC" };
    while (log.segments.all.length < 3) {
      keeper.nack(keeper.pop(1));
      expect(keeper.commit()).toBe(true);
    }
    expect(disk.hits).toBeGreaterThan(0);
    expect(keeper.journal.roomForPublishes(log)).toBe(false);
    expect(new Keeper({ disk: nodeDisk, directory: history.directory, now: keeper.now }).bodies).toHaveLength(12);
  });
});

describe("a write that fails otherwise", () => {
  it("is tried again, and nothing is confirmed before", () => {
    const times = 3;
    atEachCall({ operations: ["write"], code: "EIO", times }, (history) => {
      // Of the last call the history itself makes only the first attempts.
      for (let attempts = 0; !history.commit(); attempts++) expect(attempts).toBeLessThan(times);
      history.expectKept();
    });
  });
});

describe("a process without descriptors for a moment", () => {
  it("does not take a directory that it cannot open for one that was not synced, at each call", () => {
    const fault = { operations: ["syncDirectory"], code: "EMFILE", syscall: "open" } as const;
    for (const times of [1, 3, Number.POSITIVE_INFINITY]) {
      atEachCall({ ...fault, times }, (history) => {
        expect(history.keeper.journal.state.kind).not.toBe("failed");
        goesOn(history);
      });
    }
    atEachCall(fault, (history) => history.expectKept());
  });

  it("reads pages back all the same", () => {
    const empty = new History(undefined).keeper.shard.bytes;
    const history = new History(undefined, { memoryBytes: empty + 32 * 1024 });
    const { keeper, disk } = history;
    const bodies = Array.from({ length: 400 }, (_, i) => `m ${i} `.padEnd(400, "."));
    for (const body of bodies) {
      keeper.publish([body]);
      expect(keeper.commit()).toBe(true);
    }
    const read: string[] = [];
    for (let i = 0; i < 400; i++) {
      disk.fault = { operations: ["open"], from: 1, times: 3, code: "EMFILE" };
      read.push(...keeper.pop(1).map(({ body }) => body));
    }
    expect(disk.hits).toBeGreaterThan(100);
    expect(read).toEqual(bodies);
  });
});

describe("a spare that somebody has removed", () => {
  it("is done without", () => {
    const directory = makeDirectory();
    const asked: string[] = [];
    const wantSpare = (path: string): void => void asked.push(path);
    const keeper = new Keeper({ disk: nodeDisk, directory, wantSpare });
    for (let i = 0; i < 20; i++) {
      keeper.publish([`m ${i} `.padEnd(3000, ".")]);
      expect(keeper.commit()).toBe(true);
      keeper.tick();
      // It reports a file that does not exist.
      for (const path of asked) keeper.journal.spareAnswered(path, true, keeper.now);
    }
    expect(asked.length).toBeGreaterThan(3);
    expect(keeper.journal.state).toEqual({ kind: "working" });
    expect(new Keeper({ disk: nodeDisk, directory, now: keeper.now }).bodies).toHaveLength(20);
  });
});

describe("a sync that fails", () => {
  it("is the last of what the journal does: nothing is confirmed after it, whatever the disk does then", () => {
    let failed = 0;
    atEachCall({ operations: ["sync", "syncDirectory"], code: "EIO", times: 1 }, (history) => {
      const { journal } = history.keeper;
      const { kind } = journal.state;
      // A spare that could not be synced is not used.
      if (kind === "failed") {
        failed++;
        expect(journal.state).toMatchObject({ error: expect.any(SyncError) });
        const before = history.confirmed.size;
        history.play(2, 100);
        expect(history.commit()).toBe(false);
        expect(history.confirmed.size).toBe(before);
        expect(journal.roomForPublishes(history.keeper.shard.store.log)).toBe(false);
        expect(journal.tick(history.keeper.shard.store.log, history.keeper.now)).toBe(Number.POSITIVE_INFINITY);
        history.keeper.close();
      } else {
        expect(kind).toBe("working");
        expect(history.commit()).toBe(true);
      }
      history.expectKept();
    });
    expect(failed).toBeGreaterThan(10);
  });

  it("is noticed a second later where confirms do not wait for it", () => {
    const history = new History(undefined, { level: Durability.write });
    history.play(1);
    history.disk.fault = { operations: ["sync"], from: 1, code: "EIO" };
    history.play(1, 1);
    expect(history.keeper.journal.state.kind).toBe("failed");
  });
});

describe("a file that cannot be removed", () => {
  it("of a segment that another stands for, is gone before that other one", () => {
    const history = new History(undefined);
    const { keeper, disk, directory } = history;
    const { log } = keeper.shard.store;
    const names = (): string[] =>
      nodeDisk
        .list(directory)
        .filter((name) => name.endsWith(".seg"))
        .sort();
    while (log.segments.all.length < 4) {
      keeper.publish(["x".repeat(300)]);
      keeper.commit();
    }
    keeper.ack(keeper.pop(100));
    expect(keeper.commit()).toBe(true);
    const compacted = join(directory, "compacted.tmp");
    writeFileSync(compacted, segmentOf(3, 1, []));
    disk.fault = { operations: ["remove"], from: 1, code: "EIO" };
    expect(keeper.journal.replace(compacted, { sequence: 3, replaces: 1 }, log)).toBe(true);
    log.segments.replace(3, 1);
    const start = (): number => new Keeper({ disk: nodeDisk, directory, now: keeper.now }).report.segments;
    keeper.tick();
    expect(names()).toEqual(["00000001.seg", "00000002.seg", "00000003.seg", "00000004.seg"]);
    disk.fault = { operations: ["remove"], from: 2, times: 1, code: "EIO" };
    keeper.tick();
    expect(names()).toEqual(["00000001.seg", "00000003.seg", "00000004.seg"]);
    expect(keeper.journal.state).toEqual({ kind: "working" });
    keeper.tick();
    expect(names()).toEqual(["00000004.seg"]);
    expect(start()).toBe(1);
  });

  it("or many of them, are told of once, and go at once when they can", () => {
    const faults: string[] = [];
    const history = new History(undefined, { reclaimFailed: ({ message }) => faults.push(message) });
    const { keeper, disk, directory } = history;
    const { log } = keeper.shard.store;
    for (let i = 0; i < 60; i++) {
      keeper.publish(Array.from({ length: 10 }, (_, n) => `m ${i} ${n} `.padEnd(300, ".")));
      keeper.commit();
    }
    keeper.ack(keeper.pop(1000));
    expect(keeper.commit()).toBe(true);
    disk.fault = { operations: ["remove", "rename"], from: 1, code: "EACCES" };
    for (let i = 0; i < 3; i++) keeper.tick();
    expect(faults).toEqual(["EACCES: rename was made to fail"]);
    expect(log.segments.all.length).toBeGreaterThan(20);
    disk.fault = undefined;
    keeper.now += 1000;
    while (keeper.journal.tick(log, keeper.now) <= keeper.now);
    expect(nodeDisk.list(directory).filter((name) => name.endsWith(".seg"))).toHaveLength(1);
  });

  it("is tried again later, and holds up nothing", () => {
    const history = new History({ operations: ["remove", "rename"], from: 4, times: 4, code: "EIO" });
    history.play(20);
    expect(history.commit()).toBe(true);
    expect(history.keeper.shard.store.log.segments.all.length).toBeLessThan(12);
    history.expectKept();
  });
});

it("a journal that stands still does not ask to be called again at once", () => {
  const disk = new FaultyDisk(nodeDisk);
  const keeper = new Keeper({ disk, directory: makeDirectory() });
  const { log } = keeper.shard.store;
  keeper.publish(["one"]);
  expect(keeper.commit()).toBe(true);
  keeper.publish(["two"]);
  expect(keeper.commit()).toBe(true);
  disk.fault = { operations: ["write"], from: 1, code: "EIO" };
  keeper.publish(["three"]);
  expect(keeper.commit()).toBe(false);
  // What was synced last is not in the ledger yet, and that is overdue.
  const now = keeper.now + 10_000;
  keeper.journal.tick(log, now);
  expect(keeper.journal.tick(log, now)).toBeGreaterThan(now);
  disk.fault = undefined;
  expect(keeper.commit()).toBe(true);
  expect(keeper.journal.tick(log, now)).toBeGreaterThan(now);
});
