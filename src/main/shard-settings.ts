/** What of a broker's limits concerns each of its shards. */
import type { BrokerLimits } from "./limits.js";

/** `shards`: how many there are. */
export const shardSettings = (limits: BrokerLimits, shards: number) => ({
  memoryBytes: Math.floor(limits.memory / shards),
  topicDefaults: { ttr: limits.ttr, retries: limits.retries },
  channelDefaults: {
    keep: limits.persist,
    maxMessages: limits.keepMessages,
    maxBytes: limits.keepBytes,
    maxAge: limits.keepAge,
    history: limits.history,
    historyBytes: limits.historyBytes,
    historyIdle: limits.historyIdle,
  },
  limits: {
    maxMessageBytes: limits.maxMessageBytes,
    maxFrameBytes: limits.maxFrameBytes,
    maxBatchMessages: limits.maxBatchMessages,
    maxNameBytes: limits.maxNameBytes,
    maxTopics: limits.maxTopics,
    maxQueues: limits.maxQueues,
    maxConsumers: limits.maxConsumers,
    maxTopicsPerConnection: limits.maxTopicsPerConnection,
    maxConsumersPerConnection: limits.maxConsumersPerConnection,
    topicIdle: limits.topicIdle,
  },
});
