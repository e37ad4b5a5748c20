/** gmq's operations: what they refuse, and in which words. */
import {
  type Case,
  DECLARED,
  MSG_ID_IS_EMPTY,
  message,
  NO_MESSAGE,
  PUSHED,
  refused,
  step,
  TOPIC_IS_EMPTY,
  TOPIC_IS_NOT_EXIST,
} from "./gmq-steps.js";

export const REFUSAL_CASES: readonly Case[] = [
  {
    name: "config says what it cannot set",
    steps: [
      step("config", {}, TOPIC_IS_EMPTY),
      step("config", { topic: "bad", isAutoAck: 2 }, refused("isAutoAck must be 0 or 1")),
      step(
        "config",
        { topic: "bad", mode: 3 },
        refused("mode must be 1 (the route key is the bind key) or 2 (it is a pattern)"),
      ),
      step("config", { topic: "bad", msgTTR: 0 }, refused("msgTTR must be a number of seconds, at least 1")),
      step("config", { topic: "bad", msgRetry: -1 }, refused("msgRetry must be a number, at least 0")),
      step("getTopicStat", { topic: "bad" }, TOPIC_IS_NOT_EXIST),
    ],
  },
  {
    name: "a route key that reaches nothing on a new topic is refused",
    steps: [
      step(
        "push",
        { topic: "new route", body: "b", route_key: "nosuch" },
        refused("routeKey:nosuch is not match with queue, the mode is 1"),
      ),
    ],
  },
  {
    name: "push says what is wrong with a message",
    steps: [
      step("push", { body: "b" }, TOPIC_IS_EMPTY),
      step("push", { topic: "", body: "b" }, TOPIC_IS_EMPTY),
      step("push", { topic: "wrong", body: 1 }, refused("body is not a string")),
      step("push", { topic: "wrong", body: "b", delay: "20" }, refused("delay is not a whole number of seconds")),
      step("push", { topic: "wrong", body: "b", delay: 1.5 }, refused("delay is not a whole number of seconds")),
      step("getTopicStat", { topic: "wrong" }, TOPIC_IS_NOT_EXIST),
    ],
  },
  {
    name: "pop finds nothing in a topic that is not there, and makes none",
    steps: [
      step("pop", {}, TOPIC_IS_EMPTY),
      step("pop", { topic: "nothing" }, NO_MESSAGE),
      step("getTopicStat", { topic: "nothing" }, TOPIC_IS_NOT_EXIST),
    ],
  },
  {
    name: "pop and ack say when a bind key has no queue",
    steps: [
      step("push", { topic: "unbound", body: "b" }, PUSHED),
      step("pop", { topic: "unbound", bindKey: "nosuch" }, refused("bindKey:nosuch can't match queue")),
      step(
        "ack",
        { topic: "unbound", bindKey: "nosuch", msgId: 123 },
        refused("bindkey:nosuch is not associated with queue"),
      ),
    ],
  },
  {
    name: "a default queue that nobody has used yet is empty",
    steps: [
      step("declareQueue", { topic: "unused", bindKey: "other" }, DECLARED),
      step("pop", { topic: "unused" }, NO_MESSAGE),
      step("pop", { topic: "unused", bindKey: "default" }, NO_MESSAGE),
      step("ack", { topic: "unused", msgId: 123 }, refused("msgId:123 is not exist")),
    ],
  },
  {
    name: "ack asks for the message id before the topic",
    steps: [
      step("ack", {}, MSG_ID_IS_EMPTY),
      step("ack", { topic: "ack" }, MSG_ID_IS_EMPTY),
      step("ack", { topic: "ack", msgId: "xxx" }, MSG_ID_IS_EMPTY),
      step("ack", { topic: "ack", msgId: "-1" }, MSG_ID_IS_EMPTY),
      step("ack", { topic: "ack", msgId: 0 }, MSG_ID_IS_EMPTY),
      step("ack", { msgId: 123 }, TOPIC_IS_EMPTY),
      step("ack", { topic: "ack", msgId: 123 }, refused("msgId:123 is not exist")),
    ],
  },
  {
    name: "an ack of a message that was never popped changes nothing",
    steps: [
      step("push", { topic: "early ack", body: "b" }, PUSHED),
      step("ack", { topic: "early ack", msgId: "<id>" }, refused("msgId:<id> is not exist")),
      step("pop", { topic: "early ack" }, message("<id>", "b")),
    ],
  },
  {
    name: "statistics ask for a topic",
    steps: [step("getTopicStat", {}, TOPIC_IS_EMPTY), step("getTopicStat", { topic: "no such" }, TOPIC_IS_NOT_EXIST)],
  },
];
