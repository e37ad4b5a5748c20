import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AssemblyMemory } from "../../../src/main/native/assembly.js";
import { FrameIntake, type FrameSink, HERE } from "../../../src/main/native/frame-intake.js";
import { PROGRESS_BYTES, PROGRESS_TIMEOUT } from "../../../src/main/native/progress-watch.js";
import type { ErrorName } from "../../../src/protocol/errors.js";
import { OP, REQUEST } from "../../../src/protocol/frame.js";
import { Op } from "../../../src/protocol/op.js";
import { frame, splitFrames } from "../frames.js";

const MAX_FRAME = 100_000;
const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

/** Sends publishes to shard `request % 3`, pings nowhere; writes down what comes. */
class Notes implements FrameSink {
  readonly runs: { shard: number; requests: number[]; bytes: Buffer }[] = [];
  readonly here: number[] = [];
  readonly faults: [ErrorName, number][] = [];
  readonly skipped: number[] = [];
  readonly slow: string[] = [];

  route(_bytes: Uint8Array, view: DataView, start: number): number {
    const request = view.getUint32(start + REQUEST);
    if (view.getUint8(start + OP) === Op.PUBLISH) return request % 3;
    this.here.push(request);
    return HERE;
  }

  forward(shard: number, bytes: Uint8Array, _view: DataView, start: number, end: number): void {
    const copy = Buffer.from(bytes.slice(start, end));
    this.runs.push({ shard, requests: splitFrames(copy).frames.map(({ request }) => request), bytes: copy });
  }

  fail(kind: ErrorName, text: string, request: number): void {
    if (kind === "TOO_SLOW") this.slow.push(text);
    else this.faults.push([kind, request]);
  }

  overloaded(request: number): void {
    this.skipped.push(request);
  }

  get requests(): number[] {
    return this.runs.flatMap(({ requests }) => requests);
  }
}

const intakeOf = (maxAssembly = 1 << 20): { intake: FrameIntake; notes: Notes; memory: AssemblyMemory } => {
  const notes = new Notes();
  const memory = new AssemblyMemory(maxAssembly);
  return { intake: new FrameIntake(notes, MAX_FRAME, memory), notes, memory };
};

const take = (intake: FrameIntake, bytes: Buffer): void => intake.take(bytes, viewOf(bytes), 0, bytes.length);

const publish = (request: number, bytes = 20): Buffer =>
  frame(Op.PUBLISH, request, ["topic"], Buffer.alloc(bytes, request));

const lengthOnly = (length: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  return bytes;
};

describe("the intake of frames", () => {
  it("makes one run of frames that follow one another to the same shard", () => {
    const { intake, notes } = intakeOf();
    const frames = [3, 6, 9, 1, 4, 2, 3].map((request) => publish(request));
    take(intake, Buffer.concat(frames));
    expect(notes.runs.map(({ shard, requests }) => [shard, requests])).toEqual([
      [0, [3, 6, 9]],
      [1, [1, 4]],
      [2, [2]],
      [0, [3]],
    ]);
    expect(Buffer.concat(notes.runs.map(({ bytes }) => bytes))).toEqual(Buffer.concat(frames));
  });

  it("leaves out of a run what goes nowhere", () => {
    const { intake, notes } = intakeOf();
    take(intake, Buffer.concat([publish(3), frame(Op.PING, 50), publish(6), frame(Op.PING, 51)]));
    expect(notes.requests).toEqual([3, 6]);
    expect(notes.runs).toHaveLength(2);
    expect(notes.here).toEqual([50, 51]);
  });

  it("makes no run longer than a largest frame", () => {
    const { intake, notes } = intakeOf();
    take(intake, Buffer.concat(Array.from({ length: 50 }, (_, i) => publish(3 * (i + 1), 5_000))));
    expect(notes.requests).toHaveLength(50);
    for (const { bytes } of notes.runs) expect(bytes.length).toBeLessThanOrEqual(MAX_FRAME);
    expect(notes.runs.length).toBeLessThan(5);
  });

  it("takes frames byte by byte", () => {
    const { intake, notes, memory } = intakeOf();
    const bytes = Buffer.concat([publish(1), frame(Op.PING, 2), publish(3, 5_000), frame(Op.PING, 4)]);
    for (let i = 0; i < bytes.length; i++) take(intake, bytes.subarray(i, i + 1));
    expect(notes.requests).toEqual([1, 3]);
    expect(notes.here).toEqual([2, 4]);
    expect(memory.used).toBe(0);
  });

  it("gives the same frames however the bytes are cut", () => {
    const request = fc.record({ request: fc.integer({ min: 1, max: 9 }), bytes: fc.integer({ min: 0, max: 9_000 }) });
    const frames = fc.array(request, { minLength: 1, maxLength: 12 });
    const cuts = fc.array(fc.integer({ min: 1, max: 6_000 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(frames, cuts, (wanted, lengths) => {
        const { intake, notes, memory } = intakeOf();
        const bytes = Buffer.concat(wanted.map(({ request, bytes }) => publish(request, bytes)));
        let at = 0;
        for (let i = 0; at < bytes.length; i++) {
          const length = lengths[i % lengths.length] ?? 1;
          take(intake, bytes.subarray(at, at + length));
          at += length;
        }
        expect(notes.requests).toEqual(wanted.map(({ request }) => request));
        expect(Buffer.concat(notes.runs.map((run) => run.bytes)).equals(bytes)).toBe(true);
        expect(memory.used).toBe(0);
      }),
    );
  });

  it("refuses a length as soon as it is there, and takes nothing after it", () => {
    for (const [length, kind] of [
      [7, "BAD_FRAME"],
      [0, "BAD_FRAME"],
      [MAX_FRAME + 1, "FRAME_TOO_LARGE"],
      [0xffff_ffff, "FRAME_TOO_LARGE"],
    ] as const) {
      for (const step of [1, 4, 30]) {
        const { intake, notes, memory } = intakeOf();
        const bytes = Buffer.concat([publish(3), lengthOnly(length)]);
        for (let at = 0; at < bytes.length; at += step) take(intake, bytes.subarray(at, at + step));
        expect(notes.faults).toEqual([[kind, 0]]);
        expect(notes.requests).toEqual([3]);
        take(intake, publish(6));
        expect(notes.requests).toEqual([3]);
        expect(memory.used).toBe(0);
      }
    }
  });

  it("takes a frame of the largest length and refuses one byte more", () => {
    const { intake, notes } = intakeOf();
    const overhead = publish(3, 0).length - 4;
    take(intake, publish(3, MAX_FRAME - overhead));
    expect(notes.requests).toEqual([3]);
    take(intake, publish(6, MAX_FRAME - overhead + 1));
    expect(notes.faults).toEqual([["FRAME_TOO_LARGE", 6]]);
  });

  it("refuses a head that is longer than its frame, whole or cut", () => {
    const bad = publish(77);
    bad.writeUInt16BE(200, 6);
    for (const step of [1, 12, bad.length]) {
      const { intake, notes } = intakeOf();
      for (let at = 0; at < bad.length; at += step) take(intake, bad.subarray(at, at + step));
      expect(notes.faults).toEqual([["BAD_FRAME", 77]]);
      expect(notes.runs).toEqual([]);
    }
  });

  it("believes no length: memory grows with what has come", () => {
    const { intake, memory } = intakeOf();
    take(intake, Buffer.concat([lengthOnly(MAX_FRAME), Buffer.alloc(60)]));
    expect(memory.used).toBeLessThanOrEqual(4_096);
    take(intake, Buffer.alloc(20_000));
    expect(memory.used).toBeLessThanOrEqual(2 * 20_064);
    intake.stop();
    expect(memory.used).toBe(0);
  });

  it("skips a frame that there is no memory for, and goes on behind it", () => {
    for (const step of [100, 7_001, 70_000]) {
      const { intake, notes, memory } = intakeOf(8_192);
      const bytes = Buffer.concat([publish(3), publish(6, 60_000), publish(9)]);
      // The end of the second frame comes by itself, so that it is always cut.
      const last = bytes.length - 100;
      for (let at = 0; at < last; at += step) take(intake, bytes.subarray(at, Math.min(at + step, last)));
      take(intake, bytes.subarray(last));
      expect(notes.skipped).toEqual([6]);
      expect(notes.requests).toEqual([3, 9]);
      expect(memory.used).toBe(0);
    }
  });

  it("stops within bytes when its owner says so, after what came before", () => {
    const notes = new Notes();
    const intake: FrameIntake = new FrameIntake(
      {
        route: (bytes, view, start) => {
          const to = notes.route(bytes, view, start);
          if (to === HERE) intake.stop();
          return to;
        },
        forward: (...run) => notes.forward(...run),
        fail: (...fault) => notes.fail(...fault),
        overloaded: (request) => notes.overloaded(request),
      },
      MAX_FRAME,
      new AssemblyMemory(0),
    );
    take(intake, Buffer.concat([publish(3), frame(Op.PING, 1), frame(Op.PING, 2), publish(6)]));
    expect(notes.requests).toEqual([3]);
    expect(notes.here).toEqual([1]);
  });

  it("refuses what is longer than a HELLO needs until it is told that HELLO came", () => {
    for (const count of [1, 5_000]) {
      const notes = new Notes();
      const memory = new AssemblyMemory(1 << 20);
      const intake = new FrameIntake(notes, MAX_FRAME, memory, false);
      const bytes = publish(3, 4_200);
      for (let at = 0; at < bytes.length; at += count) take(intake, bytes.subarray(at, at + count));
      expect(notes.faults).toEqual([["HANDSHAKE_REQUIRED", count === 1 ? 0 : 3]]);
      expect(memory.used).toBe(0);
    }
    const { notes, memory } = intakeOf();
    const intake = new FrameIntake(notes, MAX_FRAME, memory, false);
    intake.allowLargeFrames();
    take(intake, publish(3, 4_200));
    expect(notes.requests).toEqual([3]);
  });
});

describe("half a frame", () => {
  const MAX = 10 * PROGRESS_BYTES;
  const half = (): { intake: FrameIntake; notes: Notes; memory: AssemblyMemory } => {
    const notes = new Notes();
    const memory = new AssemblyMemory(1 << 21);
    const intake = new FrameIntake(notes, MAX, memory);
    take(intake, Buffer.concat([lengthOnly(MAX - 10), frame(Op.PUBLISH, 3).subarray(4, 10), Buffer.alloc(20_000)]));
    return { intake, notes, memory };
  };

  it("has so long to make progress, and gives its memory back past that", () => {
    const { intake, notes, memory } = half();
    for (let now = 0; now <= PROGRESS_TIMEOUT; now += 1_000) {
      intake.sweep(now, false);
      take(intake, Buffer.alloc(1_000));
    }
    expect(notes.slow).toEqual([]);
    intake.sweep(PROGRESS_TIMEOUT + 1, false);
    expect(notes.slow).toHaveLength(1);
    expect(memory.used).toBe(0);
  });

  it("may take as long as it likes while enough of it comes", () => {
    const { intake, notes } = half();
    for (let i = 0; i < 8; i++) {
      intake.sweep(i * PROGRESS_TIMEOUT, false);
      take(intake, Buffer.alloc(PROGRESS_BYTES));
    }
    expect(notes.slow).toEqual([]);
  });

  it("has no deadline while it is not read, and is not cut off where that is not the client's doing", () => {
    const { intake, notes } = half();
    for (let i = 0; i < 8; i++) intake.sweep(i * PROGRESS_TIMEOUT, true, true);
    expect([notes.slow.length, intake.isStalled]).toEqual([0, false]);
    intake.sweep(8 * PROGRESS_TIMEOUT, true, false);
    expect([notes.slow.length, intake.isStalled]).toEqual([0, true]);
  });

  it("gives way to who needs less, once it has stalled: the largest first", () => {
    const memory = new AssemblyMemory(3 << 18);
    const [small, large, asker] = [new Notes(), new Notes(), new Notes()];
    const [first, second, third] = [small, large, asker].map((notes) => new FrameIntake(notes, MAX, memory));
    const start = (intake: FrameIntake | undefined, bytes: number): void => {
      const head = Buffer.concat([lengthOnly(MAX - 10), frame(Op.PUBLISH, 3).subarray(4, 10)]);
      if (intake !== undefined) take(intake, Buffer.concat([head, Buffer.alloc(bytes)]));
    };
    start(first, 200_000);
    start(second, 400_000);
    start(third, 100_000);
    // Nobody has stalled yet.
    expect([small.slow.length, large.slow.length, asker.skipped.length]).toEqual([0, 0, 1]);
    for (const now of [0, 1_000]) for (const intake of [first, second]) intake?.sweep(now, false);
    const fourth = new FrameIntake(asker, MAX, memory);
    start(fourth, 100_000);
    expect([small.slow.length, large.slow.length, asker.skipped.length]).toEqual([0, 1, 1]);
    expect(fourth.held).toBe(131_072);
  });
});
