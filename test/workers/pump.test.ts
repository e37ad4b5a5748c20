/** The pump around a shard with a journal, over channels within this thread and under a clock moved by hand. */
import { expect, it, onTestFinished } from "vitest";
import { loadChecksum } from "../../src/journal/checksum.js";
import { DamageError } from "../../src/journal/damage-error.js";
import { Home } from "../../src/journal/home.js";
import { makeLedger, NO_SEGMENTS } from "../../src/journal/ledger.js";
import { nodeDisk } from "../../src/journal/node-disk.js";
import { ERRORS } from "../../src/protocol/errors.js";
import { Answer, Durability, Op } from "../../src/protocol/op.js";
import { openJournal } from "../../src/workers/open-journal.js";
import { makeDirectory, removeDirectory } from "../directories.js";
import { entries, type TestFrame } from "./frames.js";
import { NOW, SEGMENT_BYTES, StallingJournal, TestShard } from "./test-shard.js";

const checksum = await loadChecksum();
const publish = (body: string, request = 1): TestFrame => ({
  op: Op.PUBLISH,
  request,
  head: ["t"],
  payload: entries(body),
});
const pop = (request = 2): TestFrame => ({ op: Op.POP, request, head: ["t", "", 10] });

/** Opens a shard whose journal is in files, as its thread does. */
const onDisk = (directory: string, number: number, shards: number): TestShard =>
  new TestShard({
    shard: number,
    shards,
    openJournal: (opened) =>
      openJournal(opened, {
        data: { directory, level: Durability.fsync, segmentBytes: SEGMENT_BYTES, verified: [] },
        number,
        disk: nodeDisk,
        home: new Home([]),
        checksum,
        jobs: { ask: () => {} },
        clock: () => NOW,
        replayed: () => {},
        beat: () => {},
        reclaimFailed: (error) => {
          throw error;
        },
        hasSpace: () => true,
      }).journal,
  });

/** Ends a shard as its thread does. */
const end = (shard: TestShard): void => {
  shard.stop();
  while (!shard.pump.isOver) shard.step();
  shard.pump.end();
};

const directories = (count: number): string[] =>
  Array.from({ length: count }, (_, shard) => {
    const directory = makeDirectory();
    makeLedger(nodeDisk, directory, shard, NO_SEGMENTS);
    onTestFinished(() => removeDirectory(directory));
    return directory;
  });

it("reads each shard's own journal back after a restart, and not that of another shard", () => {
  const paths = directories(2);
  for (const [number, path] of paths.entries()) {
    const shard = onDisk(path, number, paths.length);
    shard.send(publish(`for shard ${number}`));
    shard.step();
    expect(shard.ops()).toEqual([Answer.CONFIRM]);
    end(shard);
  }
  for (const [number, path] of paths.entries()) {
    const shard = onDisk(path, number, paths.length);
    shard.send(pop());
    shard.step();
    const [popped] = shard.answers();
    expect(popped?.payload).toContain(`for shard ${number}`);
    end(shard);
    expect(() => onDisk(path, 1 - number, paths.length)).toThrow(DamageError);
  }
});

it("reads back what was confirmed when the thread did not end in order", () => {
  const [path = ""] = directories(1);
  const shard = onDisk(path, 0, 1);
  shard.send(publish("confirmed"));
  shard.step();
  expect(shard.ops()).toEqual([Answer.CONFIRM]);
  const next = onDisk(path, 0, 1);
  next.send(pop());
  next.step();
  expect(next.answers()[0]?.payload).toContain("confirmed");
  end(next);
});

const stalling = (): { readonly journal: StallingJournal; readonly shard: TestShard; readonly stalls: boolean[] } => {
  const journal = new StallingJournal();
  const stalls: boolean[] = [];
  const shard = new TestShard({
    openJournal: () => journal,
    onStall: (error) => stalls.push(error !== undefined),
  });
  return { journal, shard, stalls };
};

it("keeps confirms back and refuses publishes while the journal cannot write, and asks for a retry", () => {
  const { journal, shard, stalls } = stalling();
  journal.isFull = true;
  shard.send(publish("first"));
  shard.step();
  expect(shard.ops()).toEqual([]);
  // There is nothing to do but to try again, ten times a second, whatever comes meanwhile.
  const retry = shard.now + 100;
  const { commits } = journal;
  shard.now += 10;
  expect(shard.step()).toBe(retry);
  const [refusal] = shard.ask(publish("second", 2));
  expect(refusal?.head[0]).toBe(ERRORS.DISK_FULL.code);
  expect(stalls).toEqual([true]);
  expect(journal.commits).toBe(commits);
  shard.now = retry;
  expect(shard.step()).toBe(retry + 100);
  expect(journal.commits).toBe(commits + 1);
  expect(shard.ops()).toEqual([]);

  journal.isFull = false;
  shard.now += 100;
  shard.step();
  expect(stalls).toEqual([true, false]);
  expect(shard.ops()).toEqual([Answer.CONFIRM]);
});

it("sends answers that wait for nothing while more is in the inbox, and commits within a few milliseconds", () => {
  const { journal, shard } = stalling();
  // More messages than a step takes.
  for (let request = 1; request <= 600; request++) shard.send(publish("m", request));
  expect(shard.step()).toBe(shard.now);
  expect(journal.commits).toBe(0);
  shard.now += 5;
  expect(shard.step()).toBe(shard.now);
  expect(journal.commits).toBe(1);
  expect(shard.ops()).toContain(Answer.CONFIRM);
});

it("carries out what was asked for before it was told to stop", () => {
  const { shard } = stalling();
  for (let request = 1; request <= 600; request++) shard.send(publish("m", request));
  shard.stop();
  expect(shard.pump.isOver).toBe(false);
  let steps = 0;
  while (!shard.pump.isOver) {
    shard.step();
    steps++;
  }
  expect(steps).toBeGreaterThan(1);
  expect(shard.confirmed()).toBe(600);
});

it("throws the journal's error when that can never confirm again", () => {
  const { journal, shard } = stalling();
  const error = new Error("a sync failed");
  shard.send(publish("lost"));
  journal.commit = () => {
    journal.state = { kind: "failed", error };
    return 0;
  };
  expect(() => shard.step()).toThrow(error);
});

it("carries out nothing that comes after it was told to stop, however much that is", () => {
  const { shard } = stalling();
  shard.send(publish("before"));
  shard.stop();
  for (let i = 0; i < 5; i++) {
    shard.send(publish("after", 2 + i));
    shard.step();
  }
  expect(shard.pump.isOver).toBe(true);
  expect(shard.confirmed()).toBe(1);
});

it("sends answers and commits in the middle of an intake, as soon as much is staged", () => {
  const { journal, shard } = stalling();
  const body = "x".repeat(600 * 1024);
  shard.send(publish(body, 1), pop(2), publish(body, 3), pop(4), publish(body, 5), pop(6));
  shard.step();
  // After the second pop, and at the end.
  expect(journal.commits).toBe(2);
  expect(shard.ops().filter((op) => op === Answer.MESSAGES)).toHaveLength(3);
});

it("sends what need not wait before the commit, and what waited for it after that, in the order of the requests", () => {
  const { journal, shard } = stalling();
  const commit = journal.commit.bind(journal);
  let before: number[] = [];
  journal.commit = (log) => {
    before = shard.ops();
    return commit(log);
  };
  shard.send(
    publish("first", 1),
    { op: Op.STATS, request: 2, head: ["t"] },
    { op: Op.DECLARE_QUEUE, request: 3, head: ["t", "default"] },
    pop(4),
    publish("second", 5),
    { op: Op.CONFIGURE, request: 6, head: ["t", { retries: 1 }] },
  );
  shard.step();
  expect(before).toEqual([Answer.RESULT]);
  expect(shard.ops()).toEqual([Answer.CONFIRM, Answer.ERROR, Answer.MESSAGES, Answer.CONFIRM, Answer.RESULT]);
});

it("does not send what is held back in the middle of an intake while the journal is stalled", () => {
  const { journal, shard } = stalling();
  journal.isFull = true;
  shard.send(publish("x".repeat(600 * 1024), 1));
  shard.step();
  const look: TestFrame = { op: Op.BROWSE, request: 9, head: ["t", "default", "ready", 0, 1] };
  shard.send(pop(2), ...Array.from({ length: 4 }, () => look));
  shard.step();
  expect(shard.ops()).toEqual(Array.from({ length: 4 }, () => Answer.MESSAGES));
});
