/** The metrics of single topics, as a shard tells them: of the topics themselves, and of the sums of their queues. */
import { TOPIC_COLUMNS, type TopicMetric, type TopicRows } from "../metrics/topic-metrics.js";
import type { Topic } from "../shard/topics/topic.js";
import type { QueueSums, TopicSums } from "./queue-survey.js";

const columnOf = (key: TopicMetric, topic: Topic, sums: QueueSums): number => {
  switch (key) {
    case "ready":
    case "delayed":
    case "inFlight":
    case "deadLetters":
    case "consumers":
    case "oldestReady":
      return sums[key];
    default:
      return topic[key];
  }
};

/** `sums`: in the order of the names of the topics. */
export const topicRows = (sums: TopicSums): TopicRows => {
  const values = new Float64Array(sums.size * TOPIC_COLUMNS.length);
  const names: string[] = [];
  let at = 0;
  for (const [topic, ofQueues] of sums) {
    names.push(topic.name);
    for (const key of TOPIC_COLUMNS) values[at++] = columnOf(key, topic, ofQueues);
  }
  return { names, values };
};
