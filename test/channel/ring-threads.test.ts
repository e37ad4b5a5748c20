/**
 * Two threads, and rings so small that both ends sleep all the time. A lost wake-up leaves both asleep, and the test
 * then fails by its timeout or by that of a blocked end.
 */
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, it } from "vitest";
import type { MessageHandler } from "#channel/ends.js";
import { allocateRing, type RingMemory } from "#channel/ring.js";
import { RingReader } from "#channel/ring-reader.js";
import { RingWriter } from "#channel/ring-writer.js";
import { fillPayload, LARGEST, payloadBytes, verifyPayload } from "./ring-load.mjs";

const TIMEOUT = 8000;
/** With one thread awake all the time, a machine with one core would take long: some seconds are enough. */
const ENOUGH = 3000;
const CAPACITY = 1024;
const envelope = Uint8Array.of(0x92, 1, 1);

let worker: Worker | undefined;
afterEach(async () => {
  await worker?.terminate();
});

interface Peer {
  readonly writer: RingWriter;
  readonly reader: RingReader;
  /** Rejects when the other thread throws. */
  readonly ended: Promise<void>;
}

const start = async (
  role: "source" | "sink" | "echo",
  options: { messages: number; jitter: number; spins?: number },
): Promise<Peer> => {
  // Just below the wrap of the counters.
  const inbox: RingMemory = allocateRing(CAPACITY, 0x7fff_0000);
  const outbox: RingMemory = allocateRing(CAPACITY, -1024);
  const thread = new Worker(new URL("./ring-worker.mjs", import.meta.url), {
    workerData: { role, inbox, outbox, spins: 0, ...options },
  });
  worker = thread;
  const ended = new Promise<void>((resolve, reject) => {
    thread.once("error", reject);
    thread.once("exit", () => resolve());
  });
  await Promise.race([new Promise((resolve) => thread.once("online", resolve)), ended]);
  return { writer: new RingWriter(inbox), reader: new RingReader(outbox, LARGEST), ended };
};

describe("no wake-up is lost between", () => {
  it("a writer that awaits and a reader that blocks", { timeout: TIMEOUT }, async () => {
    const messages = 40_000;
    const { writer, ended } = await start("sink", { messages, jitter: 50 });
    const payload = new Uint8Array(LARGEST);
    const writing = (async () => {
      for (let i = 0; i < messages; i++) {
        fillPayload(i, payload);
        while (!writer.tryWrite(envelope, payload, 0, payloadBytes(i))) await writer.whenWritable();
      }
    })();
    // The reader ends when it has verified all of them.
    await Promise.all([writing, ended]);
  });

  it("a writer that blocks and a reader that awaits", { timeout: TIMEOUT }, async () => {
    const messages = 40_000;
    const { reader, ended } = await start("source", { messages, jitter: 50 });
    let read = 0;
    const take: MessageHandler = (_envelope, bytes, _view, from, to) => verifyPayload(read++, bytes, from, to);
    const reading = (async () => {
      while (read < messages) {
        await reader.whenReadable();
        reader.drain(take, 3);
      }
    })();
    await Promise.all([reading, ended]);
    expect(read).toBe(messages);
    expect(reader.isEmpty).toBe(true);
  });

  it("two that block, meeting at every point of the way into sleep", { timeout: TIMEOUT }, async () => {
    const messages = 30_000;
    const { writer, reader } = await start("echo", { messages, jitter: 1 });
    const enough = performance.now() + ENOUGH;
    const payload = new Uint8Array(LARGEST);
    let read = 0;
    const take: MessageHandler = (_envelope, bytes, _view, from, to) => verifyPayload(read++, bytes, from, to);
    const own = new Int32Array(new SharedArrayBuffer(4));
    for (let i = 0; i < messages && performance.now() < enough; i++) {
      // Short messages only: a write that had to wait for the answer would never end.
      const number = i % 96;
      fillPayload(number, payload);
      read = number;
      expect(writer.tryWrite(envelope, payload, 0, payloadBytes(number))).toBe(true);
      // Busy-wait for the answer, so that the next message arrives while the other thread is going to sleep.
      const patience = performance.now() + 2000;
      while (read === number) {
        if (reader.drain(take, 1) === 0 && performance.now() > patience) throw new Error(`no answer to message ${i}`);
      }
      for (let n = (i * 7919) % 400; n > 0; n--) Atomics.load(own, 0);
    }
  });

  it("one that awaits and one that stays awake, meeting at every point", { timeout: TIMEOUT }, async () => {
    const messages = 15_000;
    const { writer, reader } = await start("echo", { messages, jitter: 400, spins: 20_000 });
    const enough = performance.now() + ENOUGH;
    const payload = new Uint8Array(LARGEST);
    let read = 0;
    const take: MessageHandler = (_envelope, bytes, _view, from, to) => verifyPayload(read++, bytes, from, to);
    for (let i = 0; i < messages && performance.now() < enough; i++) {
      const number = i % 96;
      fillPayload(number, payload);
      read = number;
      expect(writer.tryWrite(envelope, payload, 0, payloadBytes(number))).toBe(true);
      while (read === number) {
        await reader.whenReadable();
        reader.drain(take, 1);
      }
    }
  });

  it("both pairs of ends at once, when each thread fills the ring of the other", { timeout: TIMEOUT }, async () => {
    const messages = 30_000;
    const { writer, reader, ended } = await start("echo", { messages, jitter: 20 });
    const payload = new Uint8Array(LARGEST);
    let read = 0;
    const take: MessageHandler = (_envelope, bytes, _view, from, to) => verifyPayload(read++, bytes, from, to);
    const writing = (async () => {
      for (let i = 0; i < messages; i++) {
        fillPayload(i, payload);
        while (!writer.tryWrite(envelope, payload, 0, payloadBytes(i))) await writer.whenWritable();
      }
    })();
    const reading = (async () => {
      while (read < messages) {
        await reader.whenReadable();
        reader.drain(take, 2);
      }
    })();
    await Promise.all([writing, reading, ended]);
    expect(read).toBe(messages);
  });
});
