/**
 * What operators ask of topics and queues: configure, declare, pause, purge, statistics. Deletions end consumers as
 * well: see src/shard/consumers/deletion.ts.
 */
import { ProtocolError } from "../../protocol/errors.js";
import { DEFAULT_KEY } from "../../protocol/limits.js";
import { Durability } from "../../protocol/op.js";
import type { TopicPatterns } from "../../protocol/topic-pattern.js";
import type { Configure, Purge, QueueCommand, TopicCommand, Topics } from "../command.js";
import { ALL_STATES, purge } from "../messages/purge.js";
import type { Queue } from "../messages/queue.js";
import type { Store } from "../messages/store.js";
import type { Steps } from "../steps.js";
import type { Directory } from "./directory.js";
import type { Topic } from "./topic.js";

/** Its queues hand out as fast as they can. */
const releaseBrakes = ({ queues }: Topic): void => {
  for (const queue of queues.values()) {
    if (queue.brake?.isOn === true && queue.readyCount > 0) queue.consumers?.onReady();
    queue.brake = undefined;
  }
};

export class Administration {
  constructor(
    readonly store: Store,
    readonly directory: Directory,
  ) {}

  configure(c: Configure): void {
    const { durability } = c.config;
    if (this.store.level === Durability.memory && durability !== undefined && durability !== "memory") {
      throw new ProtocolError("BAD_CONFIG", "the broker keeps nothing on disk: start it without --durability memory");
    }
    const topic = this.directory.use(c.topic, this.store.now, c.connection);
    topic.configure({ ...topic.config, ...c.config });
    if (topic.config.brake === 0) releaseBrakes(topic);
    // The record is as durable as the topic's messages are to be from now on.
    const level = this.store.levelOf(topic);
    this.directory.recordTopic(topic, level);
    this.store.effects.result(c.connection, c.request, topic.config, level);
  }

  stats(c: TopicCommand): void {
    this.store.effects.result(c.connection, c.request, this.directory.look(c.topic).stats());
  }

  /** `sight`: what it may show; undefined: all. */
  topics(c: Topics, sight: TopicPatterns | undefined): void {
    const { topics, more, last } = this.directory.list(c.after, c.max, sight);
    const statistics = topics.map((topic) => topic.stats());
    this.store.effects.result(
      c.connection,
      c.request,
      sight === undefined ? [statistics, more] : [statistics, more, last],
    );
  }

  /** Throws QUEUE_EXISTS. */
  declareQueue(c: QueueCommand): void {
    const topic = this.directory.use(c.topic, this.store.now, c.connection);
    const key = c.queue || DEFAULT_KEY;
    if (topic.queues.has(key)) {
      throw new ProtocolError("QUEUE_EXISTS", `topic ${topic.name} has a queue ${key} already`);
    }
    const queue = this.directory.addQueue(topic, key);
    queue.isDeclared = true;
    this.#record(queue, c);
  }

  pause(c: QueueCommand): void {
    const queue = this.directory.queue(this.directory.topic(c.topic), c.queue);
    queue.paused = c.op === "pause";
    this.#record(queue, c);
    if (!queue.paused) queue.consumers?.onReady();
  }

  *purge(c: Purge): Steps {
    const { connection, request } = c;
    const queue = this.directory.queue(this.directory.topic(c.topic), c.queue);
    let dropped = 0;
    for (const state of c.state === "all" ? ALL_STATES : [c.state]) dropped += yield* purge(queue, state);
    queue.topic.dropped += dropped;
    this.store.totals.dropped += dropped;
    // No more durable than the records of these messages.
    this.store.effects.confirm(connection, request, 1, 0, 0, dropped, queue.topic.level);
  }

  /** Records a queue as it is now, and confirms that. */
  #record(queue: Queue, { connection, request }: QueueCommand): void {
    const level = this.store.levelOf(queue.topic);
    this.directory.recordQueue(queue, level);
    this.store.effects.confirm(connection, request, 1, 0, 0, 0, level);
  }
}
