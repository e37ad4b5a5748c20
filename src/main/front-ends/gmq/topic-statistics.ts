/** The statistics of a topic: out of a RESULT of STATS or TOPICS, and as gmq's JSON tells them. */

/** What gmq's API tells of a topic, summed over its queues. */
export interface TopicStatistics {
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly startTime: number;
  readonly autoAck: boolean;
  readonly pattern: boolean;
  readonly published: number;
  readonly delivered: number;
  readonly ready: number;
  readonly delayed: number;
  readonly inFlight: number;
  /** Dead letters that are there now. */
  readonly deadLetters: number;
  readonly bindKeys: readonly string[];
}

/** The keys of the maps that STATS answers: a topic's, its configuration's and a queue's. */
type StatisticsMap = {
  readonly [key in
    | "name"
    | "config"
    | "autoAck"
    | "mode"
    | "startTime"
    | "published"
    | "delivered"
    | "queues"
    | "bindKey"
    | "ready"
    | "delayed"
    | "inFlight"
    | "deadLetters"]?: unknown;
};

/** Reads the map that docs/protocol.md describes under STATS. What it does not tell counts as 0. */
export const parseStatistics = (value: unknown): TopicStatistics => {
  const map = asMap(value);
  const config = asMap(map.config);
  const queues = Array.isArray(map.queues) ? map.queues.map(asMap) : [];
  const sum = (key: keyof StatisticsMap): number => queues.reduce((total, queue) => total + asNumber(queue[key]), 0);
  return {
    name: asText(map.name),
    startTime: asNumber(map.startTime),
    autoAck: config.autoAck === true,
    pattern: config.mode === "pattern",
    published: asNumber(map.published),
    delivered: asNumber(map.delivered),
    ready: sum("ready"),
    delayed: sum("delayed"),
    inFlight: sum("inFlight"),
    deadLetters: sum("deadLetters"),
    bindKeys: queues.map((queue) => asText(queue.bindKey)),
  };
};

const asMap = (value: unknown): StatisticsMap => (typeof value === "object" && value !== null ? value : {});
const asNumber = (value: unknown): number => (typeof value === "number" ? value : 0);
const asText = (value: unknown): string => (typeof value === "string" ? value : "");

/** As gmq tells it: its names, in its order. */
export const statisticsJson = (topic: TopicStatistics): string =>
  JSON.stringify({
    name: topic.name,
    pop_num: topic.delivered,
    push_num: topic.published,
    dead_num: topic.deadLetters,
    queue_msg_num: topic.ready,
    queue_num: topic.bindKeys.length,
    delay_num: topic.delayed,
    wait_ack_num: topic.inFlight,
    start_time: localTime(topic.startTime),
    is_auto_ack: topic.autoAck,
  });

/** The queues of a topic and what gmq calls them, ordered by bind key. */
export const queuesJson = (topic: TopicStatistics): string => {
  const queues = topic.bindKeys
    .toSorted()
    .map((key) => `${JSON.stringify(key)}:${JSON.stringify(`${topic.name}_${key}`)}`);
  return `{${queues.join(",")}}`;
};

/** `2006-01-02 15:04:05` in the time zone of the broker. */
export const localTime = (milliseconds: number): string => {
  const time = new Date(milliseconds);
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${day} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
};
