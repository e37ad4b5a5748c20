/**
 * What operators ask: configure, declare, delete, pause, purge.
 */
import { ProtocolError } from "../../protocol/errors.js";
import { DEFAULT_KEY } from "../../protocol/limits.js";
import { Durability } from "../../protocol/op.js";
import type { Command, Configure, Purge, QueueCommand, TopicCommand, Topics } from "../command.js";
import type { Consumer } from "../consumers/consumer.js";
import type { Dispatcher } from "../consumers/dispatcher.js";
import type { Roster } from "../consumers/roster.js";
import { ALL_STATES, drop, purge } from "../messages/purge.js";
import type { Queue } from "../messages/queue.js";
import type { Store } from "../messages/store.js";
import { CONSUMER_EXTENTS, type Steps } from "../steps.js";
import type { Directory } from "./directory.js";
import type { Topic } from "./topic.js";

export class Administration {
  constructor(
    readonly store: Store,
    readonly directory: Directory,
    readonly roster: Roster,
    readonly dispatcher: Dispatcher,
  ) {}

  configure(c: Configure): void {
    const { durability } = c.config;
    if (this.store.level === Durability.memory && durability !== undefined && durability !== "memory") {
      throw new ProtocolError("BAD_CONFIG", "the broker keeps nothing on disk: start it without --durability memory");
    }
    const topic = this.directory.use(c.topic, this.store.now, c.connection);
    topic.configure({ ...topic.config, ...c.config });
    // A topic that asks for more from now on has what was said about it before on disk with this.
    this.directory.recordTopic(topic, Math.max(this.store.level, topic.level));
    this.store.effects.result(c.connection, c.request, topic.config);
  }

  stats(c: TopicCommand): void {
    this.store.effects.result(c.connection, c.request, this.directory.topic(c.topic).stats());
  }

  topics(c: Topics): void {
    const { topics, more } = this.directory.page(c.after, c.max);
    this.store.effects.result(c.connection, c.request, [topics.map((topic) => topic.stats()), more]);
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
    this.directory.recordQueue(queue, this.store.level);
    this.#confirm(c, 0);
  }

  *deleteQueue(c: QueueCommand): Steps {
    const topic = this.directory.topic(c.topic);
    const queue = topic.queues.get(c.queue || DEFAULT_KEY);
    if (queue === undefined) throw new ProtocolError("NO_QUEUE", `topic ${topic.name} has no queue ${c.queue}`);
    const { connection, request } = c;
    let dropped = yield* this.#empty(topic, queue);
    if (this.#isThere(topic, queue)) dropped += this.#remove(queue);
    this.#confirm({ connection, request }, dropped);
  }

  *deleteTopic(c: TopicCommand): Steps {
    const { connection, request } = c;
    const topic = this.directory.topic(c.topic);
    let dropped = 0;
    for (const queue of topic.queues.values()) dropped += yield* this.#empty(topic, queue);
    // It was used until now: what has come meanwhile goes as well.
    if (this.directory.find(topic.name) === topic) {
      for (const queue of [...topic.queues.values()]) dropped += this.#remove(queue);
      this.directory.removeTopic(topic);
    }
    this.#confirm({ connection, request }, dropped);
  }

  pause(c: QueueCommand): void {
    const queue = this.directory.queue(this.directory.topic(c.topic), c.queue);
    queue.paused = c.op === "pause";
    this.directory.recordQueue(queue, this.store.level);
    if (!queue.paused) this.dispatcher.markDirty(queue);
    this.#confirm(c, 0);
  }

  *purge(c: Purge): Steps {
    const { connection, request } = c;
    const queue = this.directory.queue(this.directory.topic(c.topic), c.queue);
    let dropped = 0;
    for (const state of c.state === "all" ? ALL_STATES : [c.state]) dropped += yield* purge(queue, state);
    queue.topic.dropped += dropped;
    this.#confirm({ connection, request }, dropped);
  }

  #isThere(topic: Topic, queue: Queue): boolean {
    return topic.queues.get(queue.bindKey) === queue && this.directory.find(topic.name) === topic;
  }

  /** Does in steps what takes long in the end of a queue, which goes on until then. Answers how many it dropped. */
  *#empty(topic: Topic, queue: Queue): Steps<Command, number> {
    let left = this.store.stepExtents / CONSUMER_EXTENTS;
    for (const consumer of queue.consumers) {
      if (consumer.stopped) continue;
      if (left-- <= 0) {
        yield;
        left = this.store.stepExtents / CONSUMER_EXTENTS;
      }
      if (!consumer.stopped) this.#sendAway(consumer);
    }
    let dropped = 0;
    for (const state of ALL_STATES) if (this.#isThere(topic, queue)) dropped += yield* purge(queue, state);
    topic.dropped += dropped;
    return dropped;
  }

  /** Drops a queue's messages, sends its consumers away and forgets it. */
  #remove(queue: Queue): number {
    for (const consumer of [...queue.consumers]) if (!consumer.stopped) this.#sendAway(consumer);
    let dropped = 0;
    for (const state of ALL_STATES) dropped += drop(queue, state, Number.POSITIVE_INFINITY);
    queue.topic.dropped += dropped;
    this.directory.removeQueue(queue);
    return dropped;
  }

  #sendAway(consumer: Consumer): void {
    const { effects } = this.store;
    const { connection, request, queue } = consumer;
    const why = `queue ${queue.bindKey} of topic ${queue.topic.name} was deleted`;
    if (consumer.isPop) {
      this.dispatcher.endPop(consumer);
      effects.fail(connection.number, request, "TOPIC_DELETED", why);
    } else {
      this.roster.stop(consumer);
      effects.consumerClosed(connection.number, request, "TOPIC_DELETED", why);
    }
  }

  #confirm(c: { connection: number; request: number }, messages: number): void {
    this.store.effects.confirm(c.connection, c.request, 1, 0, 0, messages, this.store.level);
  }
}
