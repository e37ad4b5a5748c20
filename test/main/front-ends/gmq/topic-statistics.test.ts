import { describe, expect, test } from "vitest";
import {
  localTime,
  parseStatistics,
  queuesJson,
  statisticsJson,
} from "../../../../src/main/front-ends/gmq/topic-statistics.js";

const topic = parseStatistics({
  name: "t",
  config: { autoAck: true, mode: "pattern", ttr: 60_000 },
  startTime: new Date(2026, 0, 2, 3, 4, 5).getTime(),
  published: 10,
  delivered: 4,
  acked: 1,
  dead: 9,
  queues: [
    { bindKey: "b", ready: 1, delayed: 2, inFlight: 3, deadLetters: 4 },
    { bindKey: 'a"', ready: 10, delayed: 20, inFlight: 30, deadLetters: 40 },
  ],
});

describe("the statistics of a topic", () => {
  test("are told in gmq's names, summed over the queues", () => {
    expect(statisticsJson(topic)).toBe(
      '{"name":"t","pop_num":4,"push_num":10,"dead_num":44,"queue_msg_num":11,"queue_num":2,"delay_num":22,' +
        '"wait_ack_num":33,"start_time":"2026-01-02 03:04:05","is_auto_ack":true}',
    );
    expect(topic.pattern).toBe(true);
  });

  test("list the queues as gmq names them", () => {
    expect(queuesJson(topic)).toBe('{"a\\"":"t_a\\"","b":"t_b"}');
  });

  test("of a topic without queues are zeros", () => {
    const empty = parseStatistics({ name: "e", config: {}, startTime: 0, queues: [] });
    expect(JSON.parse(statisticsJson(empty))).toMatchObject({ name: "e", queue_num: 0, is_auto_ack: false });
    expect(queuesJson(empty)).toBe("{}");
  });

  test("have times with two digits each", () => {
    expect(localTime(new Date(2026, 10, 22, 23, 59, 0).getTime())).toBe("2026-11-22 23:59:00");
  });
});
