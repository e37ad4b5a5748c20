/** The passing of time: what is due moves, each at its own millisecond. */
import { Failed } from "../../../src/protocol/failure.js";
import type { ModelMessage, ModelQueue } from "./queue.js";
import { nextPlace } from "./queue.js";
import type { ModelTopic } from "./topic.js";

/** When something happens to a message that nobody touches. */
const dueOf = (message: ModelMessage): number => {
  switch (message.state) {
    case "ready":
      return message.expiry;
    case "delayed":
      return Math.min(message.due, message.expiry);
    case "in-flight":
      return message.due;
    case "dead":
      return Number.POSITIVE_INFINITY;
  }
};

const nextDueOf = (queue: ModelQueue): number => {
  let next = Number.POSITIVE_INFINITY;
  for (const message of queue.messages.values()) next = Math.min(next, dueOf(message));
  return next;
};

/** A message whose time has come. All those of one millisecond share a place in line. */
const fire = (topic: ModelTopic, queue: ModelQueue, message: ModelMessage, now: number, place: number): void => {
  if (message.state === "in-flight") topic.endLease(queue, message, now, Failed.TIMED_OUT, place);
  else if (message.expiry <= now) topic.expire(queue, message, now, place);
  else queue.join(message, "ready", place);
};

/** Plays all that is due in a queue up to `now`, in the order in which it was due. */
export const playQueue = (topic: ModelTopic, queue: ModelQueue, now: number): void => {
  for (let at = nextDueOf(queue); at <= now; at = nextDueOf(queue)) {
    const place = nextPlace();
    for (const message of [...queue.messages.values()]) {
      if (dueOf(message) === at) fire(topic, queue, message, now, place);
    }
  }
};

/** When the next message of a queue or the next waiting pop is due. */
export const nextDue = (queue: ModelQueue): number =>
  queue.pops.reduce((next, { deadline }) => Math.min(next, deadline), nextDueOf(queue));
