/**
 * The other thread of the ring's measurements. It blocks when it has nothing to do, as a shard does. `sink` reads and
 * touches each message; `echo` answers each with the same.
 */
import { workerData } from "node:worker_threads";
import { packEnvelope } from "#channel/envelope.js";
import type { RingMemory } from "#channel/ring.js";
import { type MessageHandler, RingReader } from "#channel/ring-reader.js";
import { RingWriter } from "#channel/ring-writer.js";

export interface PeerData {
  readonly role: "sink" | "echo";
  readonly inbox: RingMemory;
  readonly outbox: RingMemory;
  /** How often the reader looks before it sleeps. */
  readonly spins: number;
  readonly maxMessageBytes: number;
}

/** The envelope of the last message of a measurement. */
export const LAST = 255;

const { role, inbox, outbox, spins, maxMessageBytes } = workerData as PeerData;
const reader = new RingReader(inbox, maxMessageBytes, { spins });
const writer = new RingWriter(outbox);
const envelope = Uint8Array.from(packEnvelope([1, 1]));
const last = Uint8Array.from(packEnvelope([LAST, 0]));
const nothing = new Uint8Array(0);

let ended = false;
let sum = 0;
const answer = (head: Uint8Array): void => {
  while (!writer.tryWrite(head, nothing, 0, 0)) writer.waitWritable(Number.POSITIVE_INFINITY);
};
const take: MessageHandler = ([op], bytes, _view, start, end) => {
  sum += bytes[end - 1] ?? start;
  if (op === LAST) {
    ended = true;
    answer(last);
  } else if (role === "echo") {
    answer(envelope);
  }
};

while (!ended) {
  reader.wait(Number.POSITIVE_INFINITY);
  reader.drain(take, 1024);
}
if (!Number.isFinite(sum)) throw new Error("nothing was read");
