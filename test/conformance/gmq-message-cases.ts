/** gmq's operations: what becomes of messages. */
import { type Case, DECLARED, message, NO_MESSAGE, PUSHED, PUSHED2, refused, SUCCESS, step } from "./gmq-steps.js";

export const MESSAGE_CASES: readonly Case[] = [
  {
    name: "a message is pushed, popped and acked",
    steps: [
      step("push", { topic: "life", body: "this is a job" }, PUSHED),
      step("pop", { topic: "life" }, message("<id>", "this is a job")),
      step("pop", { topic: "life" }, NO_MESSAGE),
      step("ack", { topic: "life", msgId: "<id>" }, SUCCESS),
      step("ack", { topic: "life", msgId: "<id>" }, refused("msgId:<id> is not exist")),
    ],
  },
  {
    name: "messages come in the order in which they were pushed",
    steps: [
      step("push", { topic: "order", body: "1" }, PUSHED),
      step("push", { topic: "order", body: "2" }, PUSHED2),
      step("pop", { topic: "order" }, message("<id>", "1")),
      step("pop", { topic: "order" }, message("<id2>", "2")),
    ],
  },
  {
    name: "a body is text of any language, with quotes and line ends",
    steps: [
      step("push", { topic: "text", body: 'a"b\\c\n\té 你好 😀 \u2028 &=+%' }, PUSHED),
      step("pop", { topic: "text" }, message("<id>", 'a\\"b\\\\c\\n\\té 你好 😀 \u2028 &=+%')),
    ],
  },
  {
    name: "a body may be empty",
    steps: [
      step("push", { topic: "no body", body: "" }, PUSHED),
      step("pop", { topic: "no body" }, message("<id>", "")),
    ],
  },
  {
    name: "a delayed message comes when its seconds have passed",
    steps: [
      step("push", { topic: "delay", body: "late", delay: 1 }, PUSHED),
      step("push", { topic: "delay", body: "now", delay: 0 }, PUSHED2),
      step("pop", { topic: "delay" }, message("<id2>", "now")),
      step("pop", { topic: "delay" }, NO_MESSAGE),
      { ...step("pop", { topic: "delay" }, message("<id>", "late")), instead: NO_MESSAGE },
    ],
  },
  {
    name: "a negative delay is none",
    steps: [
      step("push", { topic: "negative", body: "b", delay: -5 }, PUSHED),
      step("pop", { topic: "negative" }, message("<id>", "b")),
    ],
  },
  {
    name: "a delay longer than gmq's is taken",
    steps: [
      step("push", { topic: "long", body: "b", delay: 259201 }, PUSHED),
      step("pop", { topic: "long" }, NO_MESSAGE),
    ],
  },
  {
    name: "a message that is not acked within the TTR comes back, counted, until its retries are used",
    steps: [
      step("config", { topic: "ttr", isAutoAck: 0, mode: 1, msgTTR: 1, msgRetry: 1 }, SUCCESS),
      step("push", { topic: "ttr", body: "b" }, PUSHED),
      step("pop", { topic: "ttr" }, message("<id>", "b")),
      { ...step("pop", { topic: "ttr" }, message("<id>", "b", 1)), instead: NO_MESSAGE },
      {
        ...step(
          "getTopicStat",
          { topic: "ttr" },
          '{"code":0,"data":{"name":"ttr","pop_num":2,"push_num":1,"dead_num":1,"queue_msg_num":0,"queue_num":1,' +
            '"delay_num":0,"wait_ack_num":0,"start_time":"<time>","is_auto_ack":false},"msg":"success"}',
        ),
        instead:
          '{"code":0,"data":{"name":"ttr","pop_num":2,"push_num":1,"dead_num":0,"queue_msg_num":0,"queue_num":1,' +
          '"delay_num":0,"wait_ack_num":1,"start_time":"<time>","is_auto_ack":false},"msg":"success"}',
      },
      step("pop", { topic: "ttr" }, NO_MESSAGE),
    ],
  },
  {
    name: "on an auto-ack topic a message is gone when it is popped",
    steps: [
      step("config", { topic: "auto", isAutoAck: 1, mode: 1, msgTTR: 1, msgRetry: 5 }, SUCCESS),
      step("push", { topic: "auto", body: "b" }, PUSHED),
      step("pop", { topic: "auto" }, message("<id>", "b")),
      step("ack", { topic: "auto", msgId: "<id>" }, refused("msgId:<id> is not exist")),
      step(
        "getTopicStat",
        { topic: "auto" },
        '{"code":0,"data":{"name":"auto","pop_num":1,"push_num":1,"dead_num":0,"queue_msg_num":0,"queue_num":1,' +
          '"delay_num":0,"wait_ack_num":0,"start_time":"<time>","is_auto_ack":true},"msg":"success"}',
      ),
    ],
  },
  {
    name: "in mode 1 a route key names a queue",
    steps: [
      step("config", { topic: "exact", mode: 1 }, SUCCESS),
      step("declareQueue", { topic: "exact", bindKey: "a" }, DECLARED),
      step("declareQueue", { topic: "exact", bindKey: "ab" }, DECLARED),
      step("push", { topic: "exact", body: "b", route_key: "a" }, PUSHED),
      step("pop", { topic: "exact", bindKey: "ab" }, NO_MESSAGE),
      step("pop", { topic: "exact", bindKey: "a" }, message("<id>", "b")),
      step("ack", { topic: "exact", bindKey: "ab", msgId: "<id>" }, refused("msgId:<id> is not exist")),
      step("ack", { topic: "exact", bindKey: "a", msgId: "<id>" }, SUCCESS),
      step(
        "push",
        { topic: "exact", body: "b", route_key: "nosuch" },
        refused("routeKey:nosuch is not match with queue, the mode is 1"),
      ),
    ],
  },
  {
    name: "in mode 2 a route key is a pattern that finds queues",
    steps: [
      step("config", { topic: "pattern", mode: 2 }, SUCCESS),
      step("declareQueue", { topic: "pattern", bindKey: "homework" }, DECLARED),
      step("declareQueue", { topic: "pattern", bindKey: "homely" }, DECLARED),
      step("push", { topic: "pattern", body: "b", route_key: "^home(work|ly)$" }, PUSHED),
      step("pop", { topic: "pattern", bindKey: "homework" }, message("<id>", "b")),
      step("pop", { topic: "pattern", bindKey: "homely" }, message("<id>", "b")),
      step("ack", { topic: "pattern", bindKey: "homework", msgId: "<id>" }, SUCCESS),
      step("ack", { topic: "pattern", bindKey: "homely", msgId: "<id>" }, SUCCESS),
      step(
        "push",
        { topic: "pattern", body: "b", route_key: "^work" },
        refused("routeKey:^work is not match with queue, the mode is 2"),
      ),
    ],
  },
  {
    name: "names of topics and queues may have spaces and letters of any language",
    steps: [
      step("declareQueue", { topic: "a b/ä&你", bindKey: "ö+ ü" }, DECLARED),
      step("push", { topic: "a b/ä&你", body: "b", route_key: "ö+ ü" }, PUSHED),
      step("pop", { topic: "a b/ä&你", bindKey: "ö+ ü" }, message("<id>", "b")),
      step("ack", { topic: "a b/ä&你", bindKey: "ö+ ü", msgId: "<id>" }, SUCCESS),
    ],
  },
];
