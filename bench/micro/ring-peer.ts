/**
 * The other thread of the ring's measurements. Like a shard it blocks when it has nothing to do. As `sink` it copies each
 * message to the end of a log, as `echo` it answers each.
 */
import { workerData } from "node:worker_threads";
import type { MessageHandler } from "#channel/ends.js";
import { packEnvelope } from "#channel/envelope.js";
import type { RingMemory } from "#channel/ring.js";
import { RingReader } from "#channel/ring-reader.js";
import { RingWriter } from "#channel/ring-writer.js";

export interface PeerData {
  readonly role: "sink" | "echo";
  readonly inbox: RingMemory;
  readonly outbox: RingMemory;
  /** How often the reader polls before it sleeps. */
  readonly spins: number;
  readonly maxMessageBytes: number;
}

/** The envelope of the last message of a measurement. */
export const LAST = 255;

const MAX_LOG_BYTES = 16 * 1024 * 1024;

const { role, inbox, outbox, spins, maxMessageBytes } = workerData as PeerData;
const reader = new RingReader(inbox, maxMessageBytes, { spins });
const writer = new RingWriter(outbox);
const envelope = Uint8Array.from(packEnvelope([1, 1]));
const last = Uint8Array.from(packEnvelope([LAST, 0]));
const nothing = new Uint8Array(0);

let ended = false;
const log = new Uint8Array(MAX_LOG_BYTES);
let logged = 0;
const answer = (head: Uint8Array): void => {
  while (!writer.tryWrite(head, nothing, 0, 0)) writer.waitWritable(Number.POSITIVE_INFINITY);
};
const take: MessageHandler = ([op], bytes, _view, start, end) => {
  if (logged + end - start > MAX_LOG_BYTES) logged = 0;
  log.set(bytes.subarray(start, end), logged);
  // One more, as names and headers of any length stand between the payloads of a log.
  logged += end - start + 1;
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
