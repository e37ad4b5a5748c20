import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DamageError } from "../../src/journal/damage-error.js";
import type { Disk } from "../../src/journal/disk.js";
import { LEDGER, segmentPath } from "../../src/journal/layout.js";
import { nodeDisk } from "../../src/journal/node-disk.js";
import * as record from "../../src/shard/log/record.js";
import { Keeper } from "./keeper.js";

/** Thousands of starts, each of a fraction of a millisecond on an idle machine. */
const TIMEOUT = 300_000;

const SIZES = { segmentBytes: 2048, pageBytes: 512 };

/** Real files, without real syncs. */
const disk: Disk = {
  ...nodeDisk,
  open: (path, mode) => {
    const file = nodeDisk.open(path, mode);
    file.sync = () => undefined;
    return file;
  },
  syncDirectory: () => undefined,
};

let directory: string;
/** The whole journal, file by file. */
const whole = new Map<number, Buffer>();
let ledger: Buffer;
/** The state after each step, as text; and how many steps are in all commits but the last. */
const states: string[] = [];
let certain = 0;
let now = 0;

const describeState = (keeper: Keeper): string => keeper.bodies.sort().join(" ");

const LAST = 2;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "ringmq-corruption-"));
  const keeper = new Keeper({ disk, directory, ...SIZES });
  const step = (work: () => void): void => {
    work();
    states.push(describeState(keeper));
  };
  const { segments } = keeper.shard.store.log;
  step(() => undefined);
  // The first segment fills, then a few commits go to the second.
  for (let i = 0, more = 4; more > 0; i++) {
    certain = states.length;
    step(() => keeper.publish([`m${i}a`.padEnd(90, "-"), `m${i}b`.padEnd(33, "-")]));
    step(() => keeper.ack(keeper.pop(1)));
    expect(keeper.commit()).toBe(true);
    if (segments.all.length === LAST) more--;
  }
  expect(segments.all).toHaveLength(LAST);
  now = keeper.now;
  for (let sequence = 1; sequence <= LAST; sequence++) {
    whole.set(sequence, readFileSync(segmentPath(directory, sequence)));
  }
  ledger = readFileSync(join(directory, LEDGER));
});

afterAll(() => rmSync(directory, { recursive: true }));

const restore = (): void => {
  for (const [sequence, bytes] of whole) writeFileSync(segmentPath(directory, sequence), bytes);
  writeFileSync(join(directory, LEDGER), ledger);
};

/** The state that a start finds; undefined: it refuses to start, as it should. Anything else throws. */
const start = (): { step: number; isCut: boolean } | undefined => {
  let keeper: Keeper;
  try {
    keeper = new Keeper({ disk, directory, ...SIZES, now });
  } catch (error) {
    if (error instanceof DamageError) return undefined;
    throw error;
  }
  const step = states.lastIndexOf(describeState(keeper));
  if (step < 0) throw new Error("it is in a state in which it has never been");
  return { step, isCut: keeper.report.cut !== undefined };
};

const bytesOf = (sequence: number): Buffer => whole.get(sequence) ?? Buffer.alloc(0);

/** Where the records of a segment end. */
const endOf = (sequence: number): number => {
  const bytes = bytesOf(sequence);
  let at = 0;
  while (at + record.MIN_BYTES <= bytes.length && bytes.readUInt32BE(at) > 0) {
    at += record.align(bytes.readUInt32BE(at));
  }
  return at;
};

const flipped = (bytes: Buffer, at: number, pattern: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy.writeUInt8((copy[at] ?? 0) ^ pattern, at);
  return copy;
};

describe("each byte that is flipped", () => {
  const PATTERNS = [0x01, 0x80, 0xff];

  it(
    "in a segment that others follow is found, unless it means nothing",
    () => {
      let found = 0;
      for (let at = 0; at < bytesOf(1).length; at++) {
        for (const pattern of PATTERNS) {
          restore();
          writeFileSync(segmentPath(directory, 1), flipped(bytesOf(1), at, pattern));
          const outcome = start();
          if (outcome === undefined) found++;
          else expect(outcome).toEqual({ step: states.length - 1, isCut: false });
        }
      }
      // Up to seven bytes between two records are padding.
      expect(found).toBeGreaterThan(endOf(1) * PATTERNS.length * 0.9);
    },
    TIMEOUT,
  );

  it(
    "in the last segment is found, or takes with it at most the last commit, and that is said",
    () => {
      let found = 0;
      let cut = 0;
      for (let at = 0; at < bytesOf(LAST).length; at++) {
        for (const pattern of PATTERNS) {
          restore();
          writeFileSync(segmentPath(directory, LAST), flipped(bytesOf(LAST), at, pattern));
          const outcome = start();
          if (outcome === undefined) {
            found++;
            continue;
          }
          expect(outcome.step, `byte ${at}`).toBeGreaterThanOrEqual(certain - 1);
          if (outcome.isCut) cut++;
          else expect(outcome.step, `byte ${at}`).toBe(states.length - 1);
        }
      }
      expect(found).toBeGreaterThan(1000);
      expect(cut).toBeGreaterThan(100);
    },
    TIMEOUT,
  );
});

describe("each length to which a file is cut", () => {
  it(
    "is found in a segment that others follow",
    () => {
      const end = endOf(1);
      for (let length = 0; length < bytesOf(1).length; length++) {
        restore();
        truncateSync(segmentPath(directory, 1), length);
        const outcome = start();
        if (length < end) expect(outcome, `length ${length}`).toBeUndefined();
        else expect(outcome).toEqual({ step: states.length - 1, isCut: false });
      }
    },
    TIMEOUT,
  );

  it(
    "of the last segment leaves what was before, nothing in the middle missing",
    () => {
      let last = 0;
      for (let length = 0; length < bytesOf(LAST).length; length++) {
        restore();
        truncateSync(segmentPath(directory, LAST), length);
        const step = start()?.step ?? 0;
        expect(step, `length ${length}`).toBeGreaterThanOrEqual(last);
        last = step;
      }
      expect(last).toBe(states.length - 1);
    },
    TIMEOUT,
  );
});

describe("bytes from anywhere", () => {
  it(
    "are never taken for messages, and end in nothing but a refusal that names the place",
    () => {
      const splice = fc.record({
        sequence: fc.constantFrom(1, LAST),
        at: fc.nat(SIZES.segmentBytes - 1),
        from: fc.option(fc.record({ sequence: fc.constantFrom(1, LAST), at: fc.nat(SIZES.segmentBytes - 1) })),
        bytes: fc.uint8Array({ minLength: 1, maxLength: 300 }),
      });
      fc.assert(
        fc.property(fc.array(splice, { minLength: 1, maxLength: 3 }), (splices) => {
          restore();
          for (const { sequence, at, from, bytes } of splices) {
            const path = segmentPath(directory, sequence);
            const content = readFileSync(path);
            const source = from === null ? bytes : bytesOf(from.sequence).subarray(from.at, from.at + bytes.length);
            content.set(source.subarray(0, content.length - at), at);
            writeFileSync(path, content);
          }
          start();
        }),
        { numRuns: 500 },
      );
    },
    TIMEOUT,
  );
});
