/** The pump around a shard with a journal, over channels within this thread and under a clock moved by hand. */
import { beforeEach, expect, it, onTestFinished } from "vitest";
import { EnvelopeOp, packEnvelope } from "../../src/channel/envelope.js";
import { LocalChannel } from "../../src/channel/local-channel.js";
import { loadChecksum } from "../../src/journal/checksum.js";
import { DamageError } from "../../src/journal/damage-error.js";
import type { Journal, JournalState } from "../../src/journal/journal.js";
import { nodeDisk } from "../../src/journal/node-disk.js";
import { ERRORS } from "../../src/protocol/errors.js";
import { HEAD, HEAD_LENGTH, LENGTH_BYTES, OP } from "../../src/protocol/frame.js";
import { unpackHead } from "../../src/protocol/head.js";
import { EPOCH } from "../../src/protocol/id.js";
import { Answer, Durability, Op } from "../../src/protocol/op.js";
import { readReceipts } from "../../src/protocol/selection.js";
import type { Log } from "../../src/shard/log/log.js";
import { localIdSource } from "../../src/shard/messages/id-allocator.js";
import { openJournal } from "../../src/workers/open-journal.js";
import type { Pump } from "../../src/workers/pump.js";
import { assemblePump, type PumpOptions } from "../../src/workers/pump-assembly.js";
import { makeDirectory, removeDirectory } from "../directories.js";
import { encodeFrames, entries, type TestFrame } from "./frames.js";

const CONNECTION = 1;
const SEGMENT_BYTES = 64 * 1024;
const MAX_FRAME_BYTES = 16 * 1024 * 1024;
const NOTHING = new Uint8Array(0);

const checksum = await loadChecksum();
let now: number;

beforeEach(() => {
  now = Date.UTC(2026, 0, 1);
});

/** A shard's pump, with both ends of its channels. */
class TestShard {
  readonly pump: Pump;
  readonly #inbox = new LocalChannel();
  readonly #outbox = new LocalChannel();

  constructor(options: Pick<PumpOptions, "shard" | "shards" | "openJournal"> & Partial<PumpOptions>) {
    this.pump = assemblePump({
      inbox: this.#inbox,
      outbox: this.#outbox,
      ids: localIdSource(EPOCH),
      node: 1,
      limits: {
        maxFrameBytes: MAX_FRAME_BYTES,
        maxMessageBytes: MAX_FRAME_BYTES,
        maxBatchMessages: 4096,
        maxNameBytes: 255,
        maxTopics: 100,
        maxQueues: 100,
        maxConsumers: 100,
      },
      memoryBytes: 64 * 1024 * 1024,
      level: Durability.fsync,
      segmentBytes: SEGMENT_BYTES,
      clock: () => now,
      ...options,
    });
  }

  send(...frames: readonly TestFrame[]): void {
    const bytes = encodeFrames(frames);
    this.#inbox.tryWrite(packEnvelope([EnvelopeOp.FRAMES, CONNECTION]), bytes, 0, bytes.length);
  }

  stop(): void {
    this.#inbox.tryWrite(packEnvelope([EnvelopeOp.STOP, 0]), NOTHING, 0, 0);
  }

  /** The frames that it has sent. */
  answers(): { readonly op: number; readonly head: readonly unknown[]; readonly payload: string }[] {
    const answers: ReturnType<TestShard["answers"]> = [];
    this.#outbox.drain((_envelope, bytes, view, start, end) => {
      for (let at = start; at < end; at += LENGTH_BYTES + view.getUint32(at)) {
        const payload = at + HEAD + view.getUint16(at + HEAD_LENGTH);
        const stop = at + LENGTH_BYTES + view.getUint32(at);
        answers.push({
          op: view.getUint8(at + OP),
          head: unpackHead(bytes, at + HEAD, payload),
          payload: Buffer.from(bytes.subarray(payload, stop)).toString("latin1"),
        });
      }
    }, Number.POSITIVE_INFINITY);
    return answers;
  }

  ops(): number[] {
    return this.answers().map(({ op }) => op);
  }

  /** Messages that it has confirmed. */
  confirmed(): number {
    let messages = 0;
    for (const { op, payload } of this.answers()) {
      if (op !== Answer.CONFIRM) continue;
      const bytes = Buffer.from(payload, "latin1");
      for (const receipt of readReceipts(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length)) {
        messages += receipt.messages;
      }
    }
    return messages;
  }
}

const publish = (body: string, request = 1): TestFrame => ({
  op: Op.PUBLISH,
  request,
  head: ["t"],
  payload: entries(body),
});
const pop = (request = 2): TestFrame => ({ op: Op.POP, request, head: ["t", "", 10] });

/** Opens a shard whose journal is in files, as its thread does. */
const onDisk = (directory: string, shard: number, shards: number): TestShard =>
  new TestShard({
    shard,
    shards,
    openJournal: (opened) =>
      openJournal(opened, {
        data: {
          directory,
          level: Durability.fsync,
          segmentBytes: SEGMENT_BYTES,
          verified: [],
          disk: new SharedArrayBuffer(4),
          diskReserve: 0,
        },
        number: shard,
        disk: nodeDisk,
        checksum,
        jobs: { ask: () => {} },
        clock: () => now,
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
  while (!shard.pump.isOver) shard.pump.step(now);
  shard.pump.end();
};

const directories = (count: number): string[] =>
  Array.from({ length: count }, () => {
    const directory = makeDirectory();
    onTestFinished(() => removeDirectory(directory));
    return directory;
  });

it("reads each shard's own journal back after a restart, and not that of another shard", () => {
  const paths = directories(2);
  for (const [number, path] of paths.entries()) {
    const shard = onDisk(path, number, paths.length);
    shard.send(publish(`for shard ${number}`));
    shard.pump.step(now);
    expect(shard.ops()).toEqual([Answer.CONFIRM]);
    end(shard);
  }
  for (const [number, path] of paths.entries()) {
    const shard = onDisk(path, number, paths.length);
    shard.send(pop());
    shard.pump.step(now);
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
  shard.pump.step(now);
  expect(shard.ops()).toEqual([Answer.CONFIRM]);
  const next = onDisk(path, 0, 1);
  next.send(pop());
  next.pump.step(now);
  expect(next.answers()[0]?.payload).toContain("confirmed");
  end(next);
});

/** A journal whose disk can be full. */
class StallingJournal implements Journal {
  readonly level = Durability.fsync;
  state: JournalState = { kind: "working" };
  commits = 0;
  isClosed = false;
  #isFull = false;

  set isFull(isFull: boolean) {
    this.#isFull = isFull;
  }

  commit(log: Log): number {
    this.commits++;
    const error = Object.assign(new Error("no space left"), { code: "ENOSPC" });
    this.state = this.#isFull ? { kind: "stalled", error } : { kind: "working" };
    if (!this.#isFull) log.markDurable(log.position);
    return log.durable;
  }

  tick(): number {
    return Number.POSITIVE_INFINITY;
  }

  roomForPublishes(): boolean {
    return this.state.kind === "working";
  }

  close(): void {
    this.isClosed = true;
  }
}

const stalling = (): { readonly journal: StallingJournal; readonly shard: TestShard; readonly stalls: boolean[] } => {
  const journal = new StallingJournal();
  const stalls: boolean[] = [];
  const shard = new TestShard({
    shard: 0,
    shards: 1,
    openJournal: () => journal,
    onStall: (error) => stalls.push(error !== undefined),
  });
  return { journal, shard, stalls };
};

it("keeps confirms back and refuses publishes while the journal cannot write, and asks for a retry", () => {
  const { journal, shard, stalls } = stalling();
  journal.isFull = true;
  shard.send(publish("first"));
  shard.pump.step(now);
  expect(shard.ops()).toEqual([]);
  // There is nothing to do but to try again.
  now += 10;
  expect(shard.pump.step(now)).toBe(now + 100);
  shard.send(publish("second", 2));
  shard.pump.step(now);
  expect(shard.ops()).toEqual([]);
  expect(stalls).toEqual([true]);

  journal.isFull = false;
  shard.pump.step(now);
  expect(stalls).toEqual([true, false]);
  const [confirm, refusal] = shard.answers();
  expect([confirm?.op, refusal?.op]).toEqual([Answer.CONFIRM, Answer.ERROR]);
  expect(refusal?.head[0]).toBe(ERRORS.DISK_FULL.code);
});

it("takes no more requests when too much is held back, and ends all the same when it was told to", () => {
  const { journal, shard } = stalling();
  journal.isFull = true;
  const body = "x".repeat(4 * 1024 * 1024);
  // The journal is not known to be full before the first commit: these are all taken.
  for (let request = 1; request <= 5; request++) shard.send(publish(body, request));
  shard.stop();
  while (!shard.pump.isClogged) shard.pump.step(now);
  const { commits } = journal;
  shard.send(pop(9));
  shard.pump.step(now);
  expect(journal.commits).toBeGreaterThan(commits);
  expect(shard.ops()).toEqual([]);
  expect(shard.pump.isOver).toBe(true);
  shard.pump.end();
  expect(journal.isClosed).toBe(true);
});

it("sends answers that wait for nothing while more is in the inbox, and commits within a few milliseconds", () => {
  const { journal, shard } = stalling();
  // More messages than a step takes.
  for (let request = 1; request <= 600; request++) shard.send(publish("m", request));
  expect(shard.pump.step(now)).toBe(now);
  expect(journal.commits).toBe(0);
  now += 5;
  expect(shard.pump.step(now)).toBe(now);
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
    shard.pump.step(now);
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
  expect(() => shard.pump.step(now)).toThrow(error);
});
