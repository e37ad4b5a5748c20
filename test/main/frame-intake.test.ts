import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AssemblyMemory } from "../../src/main/assembly.js";
import { FrameIntake, type FrameSink, HERE } from "../../src/main/frame-intake.js";
import type { ErrorName } from "../../src/protocol/errors.js";
import { OP, REQUEST } from "../../src/protocol/frame.js";
import { Op } from "../../src/protocol/op.js";
import { frame, splitFrames } from "./frames.js";

const MAX_FRAME = 100_000;
const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

/** Sends publishes to shard `request % 3`, pings nowhere; writes down what comes. */
class Notes implements FrameSink {
  readonly runs: { shard: number; requests: number[]; bytes: Buffer }[] = [];
  readonly here: number[] = [];
  readonly faults: [ErrorName, number][] = [];
  readonly skipped: number[] = [];

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

  malformed(kind: ErrorName, _text: string, request: number): void {
    this.faults.push([kind, request]);
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
        malformed: (...fault) => notes.malformed(...fault),
        overloaded: (request) => notes.overloaded(request),
      },
      MAX_FRAME,
      new AssemblyMemory(0),
    );
    take(intake, Buffer.concat([publish(3), frame(Op.PING, 1), frame(Op.PING, 2), publish(6)]));
    expect(notes.requests).toEqual([3]);
    expect(notes.here).toEqual([1]);
  });
});
