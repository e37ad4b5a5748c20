/** Samples of the broker: what is kept of them, what is told, and who is sent them. */
import { describe, expect, it } from "vitest";
import { SILENT } from "../../../src/main/log.js";
import { BrokerWatch, SAMPLES_KEPT, type Watcher } from "../../../src/main/native/broker-watch.js";
import { SampleHistory } from "../../../src/main/native/sample-history.js";
import { SAMPLE_COLUMNS, SHARD_SAMPLE_COLUMNS, sampleWidth } from "../../../src/protocol/broker-sample.js";
import { Answer } from "../../../src/protocol/op.js";
import { splitFrames } from "../frames.js";

const WIDTH = sampleWidth(1);

const numbersIn = (bytes: Uint8Array): number[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / 8 }, (_, i) => view.getFloat64(i * 8));
};

const sample = (time: number): Float64Array => new Float64Array(WIDTH).fill(-1).fill(time, 0, 1);

const watchOf = (maxFrameBytes = 1 << 20): BrokerWatch =>
  new BrokerWatch({ shards: 1, maxFrameBytes, maxOutgoingBytes: 100, log: SILENT });

const timesOf = ([, , , rows]: readonly unknown[]): number[] =>
  numbersIn(rows as Uint8Array).filter((_, i) => i % WIDTH === 0);

const watcher = (fields: Partial<Watcher> = {}): Watcher & { readonly sent: Buffer[]; readonly ends: number[] } => {
  const sent: Buffer[] = [];
  const ends: number[] = [];
  const deliverShared = (bytes: Buffer): boolean => sent.push(bytes) === 0;
  const destroy = (): void => void ends.push(1);
  return { peer: "test", mayOperate: true, bufferedBytes: () => 0, deliverShared, destroy, sent, ends, ...fields };
};

describe("the history of samples", () => {
  it.each([0, 1, 2, 3, 4, 5, 7, 8])("has the last of %d, the oldest first, however many are asked for", (count) => {
    const history = new SampleHistory(2, 4);
    for (let i = 1; i <= count; i++) history.add(Float64Array.of(i, -i));
    const kept = Array.from({ length: Math.min(4, count) }, (_, i) => count - Math.min(4, count) + i + 1);
    expect(history.size).toBe(kept.length);
    for (let max = 0; max <= 6; max++) {
      const wanted = max === 0 ? [] : kept.slice(-max);
      expect(numbersIn(history.last(max))).toEqual(wanted.flatMap((i) => [i, -i]));
    }
  });
});

describe("a broker that is watched", () => {
  it("tells its last five minutes, and of small frames no more than half", () => {
    const watch = watchOf();
    expect(watch.answer).toEqual([SAMPLE_COLUMNS, SHARD_SAMPLE_COLUMNS, 1, new Uint8Array(0)]);
    for (let time = 1; time <= SAMPLES_KEPT + 5; time++) watch.take(sample(time));
    expect(timesOf(watch.answer)).toEqual(Array.from({ length: SAMPLES_KEPT }, (_, i) => i + 6));
    // All who ask at once get the same.
    expect(watch.answer).toBe(watch.answer);
    const rows = 3;
    const small = watchOf(2 * rows * WIDTH * 8 + 1);
    for (let time = 1; time <= 5; time++) small.take(sample(time));
    expect(timesOf(small.answer)).toEqual([3, 4, 5]);
    expect(() => watchOf(2 * WIDTH * 8 - 1).answer).toThrow(expect.objectContaining({ kind: "NOT_ALLOWED" }));
  });

  it("sends all who watch the same bytes, and none to who reads none, may not any longer, or has left", () => {
    const watch = watchOf();
    const [one, another, left] = [watcher(), watcher(), watcher()];
    let unsent = 101;
    const slow = watcher({ bufferedBytes: () => unsent });
    let mayOperate = true;
    const user = Object.defineProperty(watcher(), "mayOperate", { get: () => mayOperate });
    const faulty = watcher({
      deliverShared: () => {
        throw new Error("a bug");
      },
    });
    for (const each of [faulty, one, another, left, slow, user]) watch.add(each);
    watch.add(one);
    expect(watch.remove(left)).toBe(true);
    expect(watch.remove(left)).toBe(false);
    watch.take(sample(7));
    unsent = 100;
    mayOperate = false;
    watch.take(sample(8));
    mayOperate = true;
    watch.take(sample(9));
    expect([one, another, left, slow, user].map(({ sent }) => sent.length)).toEqual([3, 3, 0, 2, 1]);
    expect(one.sent[0]).toBe(another.sent[0]);
    expect(one.sent[1]).not.toBe(one.sent[0]);
    const { frames, rest } = splitFrames(one.sent[0] as Buffer);
    expect(rest).toHaveLength(0);
    expect(frames).toMatchObject([{ op: Answer.SAMPLE, request: 0 }]);
    expect(numbersIn(Buffer.from(frames[0]?.payload ?? [])).slice(0, 2)).toEqual([7, -1]);
    expect(faulty.ends).toHaveLength(3);
    expect(watch.watchers).toBe(4);
  });
});
