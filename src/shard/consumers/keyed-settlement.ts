/**
 * CANCEL and RESCHEDULE of messages that are named by their keys. Unlike those named by ids, which are delayed ones that the
 * client has put off, they may be ready as well; and a cancelled one dead. A message in flight is its consumer's.
 */
import type { ErrorName } from "../../protocol/errors.js";
import type { Cancel, Command, Reschedule } from "../command.js";
import * as ext from "../messages/extent.js";
import type { Queue } from "../messages/queue.js";
import type { Store } from "../messages/store.js";
import { LOOKS_PER_EXTENT, type Steps } from "../steps.js";
import type { Directory } from "../topics/directory.js";
import { NONE } from "../topics/message-keys.js";
import type { Topic } from "../topics/topic.js";
import { addFault, type OpenFault } from "./selections.js";

const { State } = ext;

type ByKey = Cancel | Reschedule;

/** The price of a key in looks, beside one for each queue. */
const KEY_LOOKS = 16;

/** What became of the message of a key: how many copies of it were settled, or why none was. */
type Outcome = number | ErrorName;

/** Settles them and answers, in steps. Throws NO_TOPIC, NO_QUEUE. */
export function* settleKeys(store: Store, directory: Directory, c: ByKey): Steps<Command> {
  const topic = directory.topic(c.topic);
  const { level } = topic;
  const faults: OpenFault[] = [];
  let settled = 0;
  let looks = 0;
  let settle = c;
  let queues = queuesOf(directory, topic, c);
  for (let at = settle.start, place = 0; at < settle.end; place++) {
    const end = at + 1 + settle.view.getUint8(at);
    const outcome = settleKey(store, topic, queues, settle, at + 1, end);
    if (typeof outcome === "number") settled += outcome;
    else addFault(faults, 0, place, 1, outcome);
    at = end;
    looks += KEY_LOOKS + queues.length;
    if (looks < store.stepExtents * LOOKS_PER_EXTENT || at === settle.end) continue;
    const done = at - settle.start;
    settle = (yield) as ByKey;
    at = settle.start + done;
    looks = 0;
    // If the topic was deleted meanwhile, nothing is left to settle.
    queues = directory.find(settle.topic) === topic ? queuesOf(directory, topic, settle) : [];
  }
  const { connection, request } = settle;
  if (faults.length === 0) store.effects.confirm(connection, request, 1, 0, 0, settled, level);
  else store.effects.settled(connection, request, settled, faults, level);
}

/** Throws NO_QUEUE. */
const queuesOf = (directory: Directory, topic: Topic, { queue }: ByKey): readonly Queue[] =>
  queue === null ? [...topic.queues.values()] : directory.queue(topic, queue).asRoute;

/** Settles the message that has the key [start, end) of the request's buffer, in each of the queues that has it. */
const settleKey = (
  store: Store,
  { keys }: Topic,
  queues: readonly Queue[],
  c: ByKey,
  start: number,
  end: number,
): Outcome => {
  const slot = keys === undefined ? NONE : keys.find(c.bytes, start, end);
  if (keys === undefined || slot === NONE) return "UNKNOWN_MESSAGE";
  const { extents } = store;
  const idHigh = keys.table.idHigh(slot);
  const idLow = keys.table.idLow(slot);
  let settled = 0;
  let why: ErrorName = "UNKNOWN_MESSAGE";
  for (const queue of queues) {
    const fragment = store.fragmentOf(queue.number, idHigh, idLow);
    if (fragment === ext.NONE) continue;
    const state = extents.state(fragment);
    if (state === State.IN_FLIGHT) why = "MESSAGE_IN_FLIGHT";
    else if (state === State.DEAD && c.op === "reschedule") why = why === "UNKNOWN_MESSAGE" ? "NOT_DELAYED" : why;
    else {
      settleOne(store, queue, fragment, 1 << (idLow & (ext.BLOCK - 1)), state, c);
      settled++;
    }
  }
  return settled > 0 ? settled : why;
};

const settleOne = (store: Store, queue: Queue, fragment: number, mask: number, state: number, c: ByKey): void => {
  if (c.op === "cancel") queue.cancel(fragment, mask);
  // What is ready is already what a delay of 0 would make of it.
  else if (c.delay > 0 || state === State.DELAYED) queue.reschedule(fragment, mask, store.now + c.delay);
};
