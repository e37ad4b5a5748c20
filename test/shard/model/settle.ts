/** What ACK, NACK, RELEASE, TOUCH, CANCEL, RESCHEDULE and REDRIVE do to the messages they select. */
import assert from "node:assert/strict";
import type { ErrorName } from "../../../src/protocol/errors.js";
import { Failed } from "../../../src/protocol/failure.js";
import { Reason } from "../../../src/protocol/run.js";
import { COUNT, DELIVERY, FIRST_ID_HIGH, FIRST_ID_LOW, SELECTION_BYTES } from "../../../src/protocol/selection.js";
import type {
  Ack,
  Cancel,
  DropDead,
  Nack,
  Redrive,
  Release,
  Reschedule,
  Slice,
  Touch,
} from "../../../src/shard/command.js";
import { type SeenFault, type Witness, wholeId } from "./effects.js";
import { type ModelMessage, type ModelQueue, nextPlace } from "./queue.js";
import type { ModelTopic } from "./topic.js";

const BLOCK = 32n;

export type Settling = Ack | Nack | Release | Touch | Cancel | Reschedule | Redrive | DropDead;

interface Selected {
  readonly id: bigint;
  readonly delivery: number;
  /**
   * Where it goes in line when it changes lists. What one selection takes out of the same 32 ids is moved delivery by
   * delivery, in any order.
   */
  readonly place: number;
}

/** The messages that a slice of selections names, one by one. */
export const selected = ({ view, start, end }: Slice): Selected[] => {
  const all: Selected[] = [];
  for (let at = start; at < end; at += SELECTION_BYTES) {
    const first = wholeId(view.getUint32(at + FIRST_ID_HIGH), view.getUint32(at + FIRST_ID_LOW));
    const delivery = view.getUint32(at + DELIVERY);
    let place = nextPlace();
    for (let id = first; id < first + BigInt(view.getUint32(at + COUNT)); id++) {
      if (id % BLOCK === 0n) place = nextPlace();
      all.push({ id, delivery, place });
    }
  }
  return all;
};

/** What keeps a message from being settled by one who quotes this delivery; undefined: nothing does. */
const leaseFault = (message: ModelMessage | undefined, delivery: number): ErrorName | undefined => {
  if (message === undefined) return "UNKNOWN_MESSAGE";
  // Not delivered yet, or begun anew by a re-drive.
  const isWaiting = message.state === "ready" || message.state === "delayed";
  if (isWaiting && message.retry === 0 && !message.isReturned) return "UNKNOWN_MESSAGE";
  const holds = message.state === "in-flight" && (delivery === 0 || delivery === message.delivery);
  return holds ? undefined : "LEASE_LOST";
};

const settleLease = (
  command: Ack | Nack | Release | Touch,
  topic: ModelTopic,
  queue: ModelQueue,
  message: ModelMessage,
  place: number,
  now: number,
  client: string,
): void => {
  switch (command.op) {
    case "ack":
      topic.ack(queue, message);
      return;
    case "nack": {
      const { delay, reject, reason = "" } = command;
      const how = reject ? Failed.REJECTED : Failed.NACKED;
      topic.fail(queue, message, now, { how, consumer: client, reason, delay }, place);
      return;
    }
    case "release":
      topic.release(queue, message, now, place);
      return;
    case "touch":
      message.due = now + (command.ttr === 0 ? topic.config.ttr : command.ttr);
  }
};

const settleDelayed = (
  command: Cancel | Reschedule,
  topic: ModelTopic,
  queue: ModelQueue,
  message: ModelMessage,
  place: number,
  now: number,
): void => {
  if (command.op === "reschedule") {
    topic.delay(queue, message, now + command.delay, place);
    return;
  }
  queue.messages.delete(message.id);
  topic.counters.dropped++;
};

const redrive = (queue: ModelQueue, message: ModelMessage, place: number): void => {
  message.retry = 0;
  message.reason = Reason.ALIVE;
  message.expiry = Number.POSITIVE_INFINITY;
  message.isRedriven = true;
  message.isReturned = false;
  queue.join(message, "ready", place);
};

/** Settles one selected message in the queues meant: in how many, or why in none. */
const settle = (
  command: Settling,
  topic: ModelTopic,
  queues: readonly ModelQueue[],
  { id, delivery, place }: Selected,
  now: number,
  client: string,
): ErrorName | number => {
  const [queue] = queues;
  if (queue === undefined) return "UNKNOWN_MESSAGE";
  const message = queue.messages.get(id);
  switch (command.op) {
    case "ack":
    case "nack":
    case "release":
    case "touch": {
      const fault = leaseFault(message, delivery);
      if (fault !== undefined || message === undefined) return fault ?? "UNKNOWN_MESSAGE";
      settleLease(command, topic, queue, message, place, now, client);
      return 1;
    }
    case "dropDead":
      if (message?.state !== "dead") return "UNKNOWN_MESSAGE";
      queue.messages.delete(id);
      topic.counters.dropped++;
      return 1;
    case "redrive":
      if (message?.state !== "dead") return "UNKNOWN_MESSAGE";
      redrive(queue, message, place);
      return 1;
    case "cancel":
    case "reschedule": {
      const copies = queues.flatMap((each) => {
        const copy = each.messages.get(id);
        return copy === undefined ? [] : [{ each, copy }];
      });
      const delayed = copies.filter(({ copy }) => copy.state === "delayed");
      for (const { each, copy } of delayed) settleDelayed(command, topic, each, copy, place, now);
      if (delayed.length > 0) return delayed.length;
      return copies.some(({ copy }) => !copy.fresh) ? "NOT_DELAYED" : "UNKNOWN_MESSAGE";
    }
  }
};

/** Faults are told in any order. */
const byId = (faults: readonly SeenFault[]): SeenFault[] =>
  [...faults].sort((a, b) => (a.id === b.id ? a.error.localeCompare(b.error) : a.id < b.id ? -1 : 1));

/** Settles all that a command selects and expects its answer. */
export const settleAll = (
  command: Settling,
  topic: ModelTopic,
  queues: readonly ModelQueue[],
  now: number,
  client: string,
  witness: Witness,
): void => {
  const { connection, request } = command;
  const faults: SeenFault[] = [];
  let all = selected(command);
  if (command.op === "redrive" && all.length === 0) {
    all = queues.flatMap((queue) => queue.list("dead").map(({ id }) => ({ id, delivery: 0, place: nextPlace() })));
  }
  let count = 0;
  for (const one of all) {
    const outcome = settle(command, topic, queues, one, now, client);
    if (typeof outcome === "number") count += outcome;
    else faults.push({ id: one.id, error: outcome });
  }
  if (faults.length === 0) {
    witness.expect({ kind: "confirm", connection, request, requests: 1, id: 0n, messages: count });
    return;
  }
  const seen = witness.take("settled");
  const expected = { kind: "settled", connection, request, count, faults: byId(faults) };
  assert.deepEqual({ ...seen, faults: byId(seen.faults) }, expected);
};
