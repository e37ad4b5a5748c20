/**
 * The other thread of ring-threads.test.ts: it blocks where the test awaits. Messages are numbered, and their payloads
 * follow from their numbers, so that both threads know what has to come.
 */
import { workerData } from "node:worker_threads";
import { RingReader } from "#channel/ring-reader.js";
import { RingWriter } from "#channel/ring-writer.js";
import { fillPayload, LARGEST, payloadBytes, verifyPayload } from "./ring-load.mjs";

const { role, inbox, outbox, messages, jitter, spins } = workerData;
const reader = new RingReader(inbox, LARGEST, { spins });
const writer = new RingWriter(outbox);
const envelope = Uint8Array.of(0x92, 1, 1);
const payload = new Uint8Array(LARGEST);
const FOREVER = Number.POSITIVE_INFINITY;

const own = new Int32Array(new SharedArrayBuffer(4));
/** Waits some nanoseconds, differently each time, so that the threads meet at every point of going to sleep. */
const linger = (i) => {
  for (let n = (i * 7919) % jitter; n > 0; n--) Atomics.load(own, 0);
};

const write = (bytes) => {
  while (!writer.tryWrite(envelope, payload, 0, bytes)) writer.waitWritable(FOREVER);
};

let read = 0;
const sink = (_envelope, bytes, _view, start, end) => {
  verifyPayload(read++, bytes, start, end);
  linger(read);
};
const echo = (_envelope, bytes, _view, start, end) => {
  payload.set(bytes.subarray(start, end));
  read++;
  linger(read);
  write(end - start);
};

if (role === "source") {
  for (let i = 0; i < messages; i++) {
    fillPayload(i, payload);
    write(payloadBytes(i));
    linger(i);
  }
} else {
  while (read < messages) {
    reader.wait(FOREVER);
    reader.drain(role === "echo" ? echo : sink, 3);
  }
}
