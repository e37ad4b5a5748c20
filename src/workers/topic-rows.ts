/** Reads the metrics of single topics from a shard: those whose names come first, up to a number. */
import { TOPIC_COLUMNS, type TopicMetric, type TopicRows } from "../metrics/topic-metrics.js";
import type { Shard } from "../shard/shard.js";
import type { Topic } from "../shard/topics/topic.js";
import { QueueSums } from "./queue-survey.js";

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

/** Of `max` topics at most, and of fewer where they have many queues: as many as a listing has. */
export const topicRows = ({ directory, store }: Pick<Shard, "directory" | "store">, max: number): TopicRows => {
  const { topics } = directory.list("", max);
  const values = new Float64Array(topics.length * TOPIC_COLUMNS.length);
  let at = 0;
  for (const topic of topics) {
    const sums = new QueueSums();
    for (const queue of topic.queues.values()) sums.add(queue, store);
    for (const key of TOPIC_COLUMNS) values[at++] = columnOf(key, topic, sums);
  }
  return { names: topics.map(({ name }) => name), values };
};
