/** CANCEL and RESCHEDULE of messages that are named by their keys. */
import type { ErrorName } from "../../../src/protocol/errors.js";
import type { Cancel, Reschedule } from "../../../src/shard/command.js";
import type { SeenFault, Witness } from "./effects.js";
import { splitKeys } from "./keys.js";
import type { ModelQueue } from "./queue.js";
import type { ModelTopic } from "./topic.js";
import { expectConfirm } from "./world.js";

export const settleKeys = (
  cmd: Cancel | Reschedule,
  topic: ModelTopic,
  queues: readonly ModelQueue[],
  now: number,
  witness: Witness,
): void => {
  const faults: SeenFault[] = [];
  let settled = 0;
  for (const [place, key] of splitKeys(cmd.bytes, cmd.start, cmd.end).entries()) {
    const id = topic.keys.find(key, now);
    const copies = queues.flatMap((queue) => {
      const message = id === undefined ? undefined : queue.messages.get(id);
      return message === undefined ? [] : [{ queue, message }];
    });
    const isDone = copies
      .map(({ queue, message }) => settleOne(cmd, topic, queue, message, now))
      .filter(Boolean).length;
    settled += isDone;
    if (isDone === 0) faults.push({ id: BigInt(place), error: faultOf(copies.map(({ message }) => message.state)) });
  }
  if (faults.length === 0) return expectConfirm(cmd, settled, witness);
  const { connection, request } = cmd;
  witness.expect({ kind: "settled", connection, request, count: settled, faults });
};

/** Whether there was something to do with a message in this state. */
const settleOne = (
  cmd: Cancel | Reschedule,
  topic: ModelTopic,
  queue: ModelQueue,
  message: Parameters<ModelTopic["delay"]>[1],
  now: number,
): boolean => {
  const { state } = message;
  if (state === "in-flight" || (state === "dead" && cmd.op === "reschedule")) return false;
  if (cmd.op === "cancel") {
    queue.messages.delete(message.id);
    topic.counters.dropped++;
  } else if (cmd.delay > 0 || state === "delayed") {
    topic.delay(queue, message, now + cmd.delay);
  }
  return true;
};

const faultOf = (states: readonly string[]): ErrorName => {
  if (states.includes("in-flight")) return "MESSAGE_IN_FLIGHT";
  return states.includes("dead") ? "NOT_DELAYED" : "UNKNOWN_MESSAGE";
};
