import { setImmediate as turn } from "node:timers/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import { payloadOf, type RingPair, readAll, ringPair, write } from "./ring-pair.js";

afterEach(() => {
  vi.restoreAllMocks();
});

/** Whether a promise resolves by itself: a notify takes effect within a few turns of the event loop. */
const isResolved = async (promise: Promise<void>): Promise<boolean> => {
  let resolved = false;
  void promise.then(() => {
    resolved = true;
  });
  for (let i = 0; i < 20; i++) await turn();
  return resolved;
};

/** 64 bytes each: 8 of header, 3 of envelope, 5 up to the payload's phase, 48 of payload. */
const fill = (pair: RingPair): number => {
  let written = 0;
  while (write(pair, [1, 1], payloadOf(48))) written++;
  return written;
};

describe("a reader that waits on an event loop", () => {
  it("is told at once when there is something", async () => {
    const pair = ringPair();
    write(pair, [1, 1], payloadOf(1));
    await pair.reader.whenReadable();
    expect(readAll(pair)).toHaveLength(1);
  });

  it("is told when something is written, and not before", async () => {
    const pair = ringPair();
    const readable = pair.reader.whenReadable();
    expect(await isResolved(readable)).toBe(false);
    write(pair, [1, 1], payloadOf(1));
    await readable;
    expect(pair.reader.isEmpty).toBe(false);
  });

  it("waits once however often it asks", async () => {
    const pair = ringPair();
    const waitAsync = vi.spyOn(Atomics, "waitAsync");
    const first = pair.reader.whenReadable();
    expect(pair.reader.whenReadable()).toBe(first);
    write(pair, [1, 1], payloadOf(1));
    // A record is written and read between the ring and the turn in which it takes effect.
    await pair.reader.whenReadable();
    readAll(pair);
    expect(pair.reader.whenReadable()).toBe(first);
    expect(waitAsync).toHaveBeenCalledTimes(1);
  });

  it("is not told of what it has read in the meantime", async () => {
    const pair = ringPair();
    const readable = pair.reader.whenReadable();
    write(pair, [1, 1], payloadOf(1));
    expect(readAll(pair)).toHaveLength(1);
    expect(await isResolved(readable)).toBe(false);
    write(pair, [1, 2], payloadOf(1));
    await readable;
    expect(readAll(pair)).toHaveLength(1);
  });

  it("is told although it has also blocked in between", async () => {
    const pair = ringPair();
    const readable = pair.reader.whenReadable();
    pair.reader.wait(1);
    write(pair, [1, 1], payloadOf(1));
    await readable;
    expect(readAll(pair)).toHaveLength(1);
  });
});

describe("a writer that waits on an event loop", () => {
  it("is told at once while at least half of the ring is free", async () => {
    const pair = ringPair();
    for (let i = 0; i < 8; i++) write(pair, [1, 1], payloadOf(48));
    await pair.writer.whenWritable();
    write(pair, [1, 1], payloadOf(48));
    expect(await isResolved(pair.writer.whenWritable())).toBe(false);
  });

  it("is told when half of the ring is free, and not before", async () => {
    const pair = ringPair();
    expect(fill(pair)).toBe(16);
    const writable = pair.writer.whenWritable();
    readAll(pair, 7);
    expect(await isResolved(writable)).toBe(false);
    readAll(pair, 1);
    await writable;
    expect(write(pair, [1, 1], payloadOf(112))).toBe(true);
  });

  it("is told although the handler of the message that frees it throws", async () => {
    const pair = ringPair();
    fill(pair);
    const writable = pair.writer.whenWritable();
    readAll(pair, 7);
    expect(() =>
      pair.reader.drain(() => {
        throw new Error("no");
      }, 1),
    ).toThrow("no");
    await writable;
  });

  it("can write a whole message longer than the ring, each time it is told", async () => {
    const pair = ringPair();
    let waits = 0;
    const payload = payloadOf(20_000);
    const writing = (async () => {
      for (; !write(pair, [1, 1], payload); waits++) await pair.writer.whenWritable();
    })();
    const messages = [];
    while (messages.length === 0) {
      await pair.reader.whenReadable();
      messages.push(...readAll(pair));
    }
    await writing;
    expect(messages).toEqual([{ envelope: [1, 1], payload }]);
    expect(waits).toBeGreaterThan(10);
  });
});

describe("an end that blocks", () => {
  it("goes on at once when it need not wait", () => {
    const pair = ringPair();
    pair.writer.waitWritable(Number.POSITIVE_INFINITY);
    write(pair, [1, 1], payloadOf(1));
    pair.reader.wait(Number.POSITIVE_INFINITY);
    expect(readAll(pair)).toHaveLength(1);
  });

  it("goes on when its time is over", () => {
    const pair = ringPair();
    fill(pair);
    pair.writer.waitWritable(2);
    readAll(pair);
    pair.reader.wait(0);
    pair.reader.wait(-1);
    const start = performance.now();
    pair.reader.wait(5);
    expect(performance.now() - start).toBeGreaterThanOrEqual(4.9);
    expect(() => pair.reader.wait(Number.NaN)).toThrow(RangeError);
  });
});

describe("the bell", () => {
  it("is rung for a sleeper only, and once", async () => {
    const notify = vi.spyOn(Atomics, "notify");
    const pair = ringPair();
    for (let i = 0; i < 5; i++) write(pair, [1, 1], payloadOf(1));
    readAll(pair);
    expect(notify).not.toHaveBeenCalled();

    const readable = pair.reader.whenReadable();
    for (let i = 0; i < 5; i++) write(pair, [1, 1], payloadOf(1));
    expect(notify).toHaveBeenCalledTimes(1);
    await readable;
    readAll(pair);

    fill(pair);
    const writable = pair.writer.whenWritable();
    readAll(pair, 9);
    readAll(pair, 1);
    expect(notify).toHaveBeenCalledTimes(2);
    await writable;
  });

  it("is not rung for a writer before half of the ring is free, however little the reader has seen of it", () => {
    const notify = vi.spyOn(Atomics, "notify");
    const pair = ringPair();
    write(pair, [1, 1], payloadOf(48));
    expect(pair.reader.isEmpty).toBe(false);
    fill(pair);
    void pair.writer.whenWritable();
    readAll(pair, 1);
    expect(notify).not.toHaveBeenCalled();
    readAll(pair, 7);
    expect(notify).toHaveBeenCalledTimes(1);
  });

  it("is heard by a blocked end that was rung for something old: it sleeps on for the rest of its time", () => {
    const pair = ringPair();
    // Leaves the bell at ASLEEP: the next write rings although nobody sleeps, the one after it does not.
    pair.reader.wait(1);
    const notify = vi.spyOn(Atomics, "notify");
    write(pair, [1, 1], payloadOf(1));
    write(pair, [1, 1], payloadOf(1));
    expect(notify).toHaveBeenCalledTimes(1);
    expect(readAll(pair)).toHaveLength(2);
  });
});
