/** A message that was looked up, and where it is. */
import { countEntries, SIZE_MASK } from "../../protocol/entry.js";
import { ProtocolError } from "../../protocol/errors.js";
import type { MessageState } from "../arguments/options.js";
import { Run } from "./run.js";
import { type DeathReason, deathReason, StoredMessage } from "./stored-message.js";

/** A message in one queue. */
export interface MessageCopy {
  /** The queue's bind key. */
  readonly queue: string;
  readonly state: MessageState;
  /** How many deliveries of it have ended without an ack. */
  readonly retry: number;
  /**
   * Milliseconds since 1970: when the lease ends of a message in flight, when a delayed one is due, when a dead one died, when
   * the ttl of a ready one ends; 0 otherwise.
   */
  readonly time: number;
  /** Why it is a dead letter, or undefined when it is none. */
  readonly deadReason: DeathReason | undefined;
}

/** A message that `lookup` has found. What it says of a queue is of the first one that has it. */
export class FoundMessage extends StoredMessage {
  /** In each of the queues that have it: of very many, the first. */
  readonly copies: readonly [MessageCopy, ...MessageCopy[]];

  constructor(run: Run, copies: readonly [MessageCopy, ...MessageCopy[]]) {
    super(run, 0, run.fields.start);
    this.copies = copies;
  }

  /** The bind key of the queue. */
  get queue(): string {
    return this.copies[0].queue;
  }

  get state(): MessageState {
    return this.copies[0].state;
  }

  /** The body is in it as text. */
  override toJSON(): object {
    return { queue: this.queue, state: this.state, ...super.toJSON() };
  }
}

type Copy = readonly [string, MessageState, number, number, number, number];

const isCopy = (value: unknown): value is Copy =>
  Array.isArray(value) &&
  typeof value[0] === "string" &&
  typeof value[1] === "string" &&
  value.slice(2, 6).filter(Number.isFinite).length === 4;

/** Reads the RESULT of a LOOKUP. Throws ProtocolError when it is none. */
export const readFound = (value: unknown): FoundMessage | undefined => {
  if (value === null || value === undefined) return undefined;
  const [idHigh, idLow, routeKey, entry, list] = Array.isArray(value) ? value : [];
  const copies: readonly unknown[] = Array.isArray(list) ? list : [];
  const first = copies[0];
  const isWhole =
    Number.isInteger(idHigh) && Number.isInteger(idLow) && typeof routeKey === "string" && entry instanceof Uint8Array;
  if (!isWhole || !isCopy(first) || !copies.every(isCopy)) {
    throw new ProtocolError("BAD_FRAME", "the answer to a LOOKUP cannot be understood");
  }
  const key = new TextEncoder().encode(routeKey);
  const bytes = new Uint8Array(key.length + entry.length);
  bytes.set(key);
  bytes.set(entry, key.length);
  const view = new DataView(bytes.buffer);
  const start = key.length;
  if (countEntries(view, start, bytes.length, SIZE_MASK, 1) !== 1) {
    throw new ProtocolError("BAD_FRAME", "the answer to a LOOKUP has no message");
  }
  const [, , retry, reason, delivery, time] = first;
  const about = { idHigh, idLow, count: 1, delivery, retry, reason, time };
  const run = new Run(bytes, view, {
    ...about,
    keyStart: 0,
    keyEnd: start,
    failuresStart: start,
    start,
    end: bytes.length,
  });
  const [head, ...others] = copies.map(copyOf);
  return new FoundMessage(run, [head as MessageCopy, ...others]);
};

const copyOf = ([queue, state, retry, reason, , time]: Copy): MessageCopy => ({
  queue,
  state,
  retry,
  time: Math.floor(time),
  deadReason: deathReason(reason),
});
