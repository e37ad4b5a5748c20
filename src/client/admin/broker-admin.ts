/**
 * What a client can do about topics, queues and channels as a whole.
 */
import type {
  BackupSummary,
  ChannelConfig,
  ChannelStatistics,
  QueueOptions,
  TopicConfig,
  TopicStatistics,
} from "../arguments/options.js";
import type { Connection } from "../connection/connection.js";
import type { Watch } from "../watch/watch.js";
import { Watching } from "../watch/watching.js";
import { ChannelAdmin } from "./channel-admin.js";
import type { ConnectionInfo, ConsumerInfo } from "./connection-info.js";
import type { DelayedCounts, DelayedOptions } from "./delayed-counts.js";
import type { ExplainOptions, Finding } from "./finding.js";
import { Inspection } from "./inspection.js";
import type { MessageHistory } from "./message-history.js";
import { TopicAdmin } from "./topic-admin.js";

export abstract class BrokerAdmin {
  readonly #topicAdmin: TopicAdmin;
  readonly #channelAdmin: ChannelAdmin;
  /** @internal */ readonly inspection: Inspection;
  readonly #watching: Watching;

  /** @internal */
  protected constructor(connection: Connection) {
    this.#topicAdmin = new TopicAdmin(connection);
    this.#channelAdmin = new ChannelAdmin(connection);
    this.inspection = new Inspection(connection);
    this.#watching = new Watching(connection);
  }

  /** Stops the deliveries of a queue until it is resumed. Publishes, acks and timers go on. */
  pause(topic: string, options: QueueOptions = {}): Promise<void> {
    return this.#topicAdmin.pause(topic, options);
  }

  resume(topic: string, options: QueueOptions = {}): Promise<void> {
    return this.#topicAdmin.resume(topic, options);
  }

  /** Changes how a topic treats its messages; what is not named stays. Answers the whole configuration. */
  configure(topic: string, config: Partial<TopicConfig>): Promise<TopicConfig> {
    return this.#topicAdmin.configure(topic, config);
  }

  /** Makes a queue. Rejects with QUEUE_EXISTS when there is one. */
  declareQueue(topic: string, queue: string): Promise<void> {
    return this.#topicAdmin.declareQueue(topic, queue);
  }

  /** Deletes a queue. Answers how many messages went with it. */
  deleteQueue(topic: string, queue: string): Promise<number> {
    return this.#topicAdmin.deleteQueue(topic, queue);
  }

  /** Deletes a topic and its queues. Answers how many messages went with it. */
  deleteTopic(topic: string): Promise<number> {
    return this.#topicAdmin.deleteTopic(topic);
  }

  /** The statistics of a topic. */
  stats(topic: string): Promise<TopicStatistics> {
    return this.#topicAdmin.stats(topic);
  }

  /** The statistics of every topic, ordered by name within each shard. They are asked for a page at a time. */
  topics(): AsyncGenerator<TopicStatistics, void> {
    return this.#topicAdmin.topics();
  }

  /** Changes what a channel keeps; what is not named stays. Answers the whole configuration. */
  configureChannel(channel: string, config: Partial<ChannelConfig>): Promise<ChannelConfig> {
    return this.#channelAdmin.configure(channel, config);
  }

  /** Drops what a channel has kept, and its configuration. Answers how many messages went. */
  deleteChannel(channel: string): Promise<number> {
    return this.#channelAdmin.delete(channel);
  }

  /** The statistics of a channel. */
  channelStats(channel: string): Promise<ChannelStatistics> {
    return this.#channelAdmin.stats(channel);
  }

  /** The statistics of every channel, ordered by name within each shard. They are asked for a page at a time. */
  channels(): AsyncGenerator<ChannelStatistics, void> {
    return this.#channelAdmin.channels();
  }

  /**
   * Why messages of a topic do not arrive, in words and numbers, the weightiest first: paused, nobody consumes, no credit, in
   * flight until then, delayed, publishes refused, … Also that nothing is wrong. It changes nothing.
   */
  explain(topic: string, options: ExplainOptions = {}): Promise<Finding[]> {
    return this.inspection.explain(topic, options);
  }

  /**
   * What has become of a message, by its id: its failures, its deaths and re-drives, where it is now and who has it, with times, from
   * what the broker has in memory and in its journal; and what it cannot tell. The journal is read for it, which may take a second.
   */
  history(topic: string, id: string): Promise<MessageHistory> {
    return this.inspection.history(topic, id);
  }

  /**
   * How the broker does: its samples of the last minutes, and each further one, about one a second. It goes on when the client has
   * connected again. Rejects with FORBIDDEN for a user without the permission `operate`, with UNKNOWN_OP by a broker that takes none.
   *
   * ```ts
   * const watch = await client.watch();
   * for await (const { ready, inFlight } of watch) console.log(ready, inFlight);
   * ```
   */
  watch(): Promise<Watch> {
    return this.#watching.begin();
  }

  /** How many delayed messages of a queue are due when: in so many parts of the time from now on until the last one is. */
  delayed(topic: string, options: DelayedOptions = {}): Promise<DelayedCounts> {
    return this.inspection.delayed(topic, options);
  }

  /** The connections of the broker, of all protocols, the oldest first. They are asked for a page at a time. */
  connections(): AsyncGenerator<ConnectionInfo, void> {
    return this.inspection.connections();
  }

  /** Those who take messages: the consumers and waiting pops of all connections. They are asked for a page at a time. */
  consumers(): AsyncGenerator<ConsumerInfo, void> {
    return this.inspection.consumers();
  }

  /**
   * Has the broker close a connection, by its id: the messages that its consumers hold go back to their queues. A program that
   * connects again has another connection. False: there is none of that id any more.
   */
  closeConnection(id: number): Promise<boolean> {
    return this.inspection.closeConnection(id);
  }

  /**
   * Has the broker write a backup of itself into a new directory of its own machine, and resolves when that is done. Only
   * over TCP; rejects with NOT_ALLOWED where the broker listens for other machines, unless it was started to allow it.
   */
  backup(directory: string): Promise<BackupSummary> {
    return this.#topicAdmin.backup(directory);
  }
}
