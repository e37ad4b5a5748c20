/** gmq's operations: topics, their queues, configuration and statistics. */
import {
  type Case,
  DECLARED,
  message,
  NO_MESSAGE,
  PUSHED,
  PUSHED2,
  refused,
  SUCCESS,
  step,
  TOPIC_IS_EMPTY,
  TOPIC_IS_NOT_EXIST,
} from "./gmq-steps.js";

export const TOPIC_CASES: readonly Case[] = [
  {
    name: "config makes a topic, and what it leaves out stays",
    steps: [
      step("config", { topic: "made", isAutoAck: 1 }, SUCCESS),
      step("config", { topic: "made", msgTTR: 30 }, SUCCESS),
      step(
        "getTopicStat",
        { topic: "made" },
        '{"code":0,"data":{"name":"made","pop_num":0,"push_num":0,"dead_num":0,"queue_msg_num":0,"queue_num":0,' +
          '"delay_num":0,"wait_ack_num":0,"start_time":"<time>","is_auto_ack":true},"msg":"success"}',
      ),
    ],
  },
  {
    name: "config takes isAuthoAck, as gmq's README spells it",
    steps: [
      step("config", { topic: "author", isAuthoAck: 1 }, SUCCESS),
      step("push", { topic: "author", body: "b" }, PUSHED),
      step("pop", { topic: "author" }, message("<id>", "b")),
      step("ack", { topic: "author", msgId: "<id>" }, refused("msgId:<id> is not exist")),
    ],
  },
  {
    name: "setIsAutoAck toggles",
    steps: [
      step("setIsAutoAck", {}, TOPIC_IS_EMPTY),
      step("setIsAutoAck", { topic: "toggle" }, TOPIC_IS_NOT_EXIST),
      step("push", { topic: "toggle", body: "1" }, PUSHED),
      step("setIsAutoAck", { topic: "toggle" }, SUCCESS),
      step("pop", { topic: "toggle" }, message("<id>", "1")),
      step("ack", { topic: "toggle", msgId: "<id>" }, refused("msgId:<id> is not exist")),
      step("setIsAutoAck", { topic: "toggle" }, SUCCESS),
      step("push", { topic: "toggle", body: "2" }, PUSHED2),
      step("pop", { topic: "toggle" }, message("<id2>", "2")),
      step("ack", { topic: "toggle", msgId: "<id2>" }, SUCCESS),
    ],
  },
  {
    name: "statistics tell what is ready, delayed and waits for an ack",
    steps: [
      step("push", { topic: "stat", body: "1" }, PUSHED),
      step("push", { topic: "stat", body: "2" }, PUSHED2),
      step("push", { topic: "stat", body: "3", delay: 1000 }, '{"code":0,"data":{"msgId":"<id3>"},"msg":"success"}'),
      step("declareQueue", { topic: "stat", bindKey: "second" }, DECLARED),
      step("pop", { topic: "stat" }, message("<id>", "1")),
      step(
        "getTopicStat",
        { topic: "stat" },
        '{"code":0,"data":{"name":"stat","pop_num":1,"push_num":3,"dead_num":0,"queue_msg_num":1,"queue_num":2,' +
          '"delay_num":1,"wait_ack_num":1,"start_time":"<time>","is_auto_ack":false},"msg":"success"}',
      ),
    ],
  },
  {
    name: "a queue is declared once",
    steps: [
      step("declareQueue", { topic: "declare", bindKey: "homework" }, DECLARED),
      step("declareQueue", { topic: "declare", bindKey: "homework" }, refused("bindKey homework has exist.")),
      step("declareQueue", {}, TOPIC_IS_EMPTY),
    ],
  },
  {
    name: "a queue without a bind key is the default queue",
    steps: [
      step("declareQueue", { topic: "declare default" }, DECLARED),
      step("declareQueue", { topic: "declare default", bindKey: "default" }, refused("bindKey default has exist.")),
      step("push", { topic: "declare default", body: "b", route_key: "default" }, PUSHED),
      step("pop", { topic: "declare default", bindKey: "default" }, message("<id>", "b")),
      step("ack", { topic: "declare default", bindKey: "default", msgId: "<id>" }, SUCCESS),
    ],
  },
  {
    name: "the queues of a topic are listed with gmq's names for them",
    steps: [
      step("getQueuesByTopic", {}, TOPIC_IS_EMPTY),
      step("getQueuesByTopic", { topic: "queues" }, '{"code":0,"data":{},"msg":"success"}'),
      step("declareQueue", { topic: "queues", bindKey: "b" }, DECLARED),
      step("declareQueue", { topic: "queues", bindKey: "a" }, DECLARED),
      step(
        "getQueuesByTopic",
        { topic: "queues" },
        '{"code":0,"data":{"a":"queues_a","b":"queues_b"},"msg":"success"}',
      ),
    ],
  },
  {
    name: "a topic that has exited is gone with its messages",
    steps: [
      step("exitTopic", {}, TOPIC_IS_EMPTY),
      step("exitTopic", { topic: "exit" }, TOPIC_IS_NOT_EXIST),
      step("push", { topic: "exit", body: "b" }, PUSHED),
      step("exitTopic", { topic: "exit" }, '{"code":0,"data":null,"msg":"topic.exit has exit."}'),
      step("getTopicStat", { topic: "exit" }, TOPIC_IS_NOT_EXIST),
      step("pop", { topic: "exit" }, NO_MESSAGE),
    ],
  },
];
