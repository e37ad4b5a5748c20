/** Deletes queues and topics: sends their consumers away, drops their messages, forgets them. */
import { ProtocolError } from "../../protocol/errors.js";
import { DEFAULT_KEY } from "../../protocol/limits.js";
import type { Command, QueueCommand, TopicCommand } from "../command.js";
import { ALL_STATES, drop, purge } from "../messages/purge.js";
import type { Queue } from "../messages/queue.js";
import type { Store } from "../messages/store.js";
import { CONSUMER_EXTENTS, type Steps } from "../steps.js";
import type { Directory } from "../topics/directory.js";
import type { Topic } from "../topics/topic.js";
import type { Connections } from "./connections.js";
import type { Consumer } from "./consumer.js";
import type { Dispatcher } from "./dispatcher.js";

export class Deletion {
  constructor(
    readonly store: Store,
    readonly directory: Directory,
    readonly connections: Connections,
    readonly dispatcher: Dispatcher,
  ) {}

  /** Throws NO_TOPIC, NO_QUEUE. */
  *deleteQueue(c: QueueCommand): Steps {
    const topic = this.directory.topic(c.topic);
    const queue = topic.queues.get(c.queue || DEFAULT_KEY);
    if (queue === undefined) throw new ProtocolError("NO_QUEUE", `topic ${topic.name} has no queue ${c.queue}`);
    const { connection, request } = c;
    let dropped = yield* this.#empty(topic, queue);
    if (this.#exists(topic, queue)) dropped += this.#remove(queue);
    this.#confirm(connection, request, dropped, topic);
  }

  /** Throws NO_TOPIC. */
  *deleteTopic(c: TopicCommand): Steps {
    const { connection, request } = c;
    const topic = this.directory.topic(c.topic);
    let dropped = 0;
    for (const queue of topic.queues.values()) dropped += yield* this.#empty(topic, queue);
    // It was in use until now: what was published meanwhile goes as well.
    if (this.directory.find(topic.name) === topic) {
      for (const queue of [...topic.queues.values()]) dropped += this.#remove(queue);
      this.directory.removeTopic(topic, this.store.levelOf(topic));
    }
    this.#confirm(connection, request, dropped, topic);
  }

  #exists(topic: Topic, queue: Queue): boolean {
    return topic.queues.get(queue.bindKey) === queue && this.directory.find(topic.name) === topic;
  }

  /** Empties a queue in steps; it stays usable until it is removed. Answers how many messages it dropped. */
  *#empty(topic: Topic, queue: Queue): Steps<Command, number> {
    let left = this.store.stepExtents / CONSUMER_EXTENTS;
    for (const consumer of this.connections.consumersOf(queue).holders) {
      if (consumer.stopped) continue;
      if (left-- <= 0) {
        yield;
        left = this.store.stepExtents / CONSUMER_EXTENTS;
      }
      if (!consumer.stopped) this.#sendAway(consumer);
    }
    let dropped = 0;
    for (const state of ALL_STATES) if (this.#exists(topic, queue)) dropped += yield* purge(queue, state);
    topic.dropped += dropped;
    this.store.totals.dropped += dropped;
    return dropped;
  }

  /** Drops the rest of a queue's messages, sends its last consumers away and forgets it. */
  #remove(queue: Queue): number {
    const { holders } = this.connections.consumersOf(queue);
    for (const consumer of [...holders]) if (!consumer.stopped) this.#sendAway(consumer);
    let dropped = 0;
    for (const state of ALL_STATES) dropped += drop(queue, state, Number.POSITIVE_INFINITY);
    queue.topic.dropped += dropped;
    this.store.totals.dropped += dropped;
    this.directory.removeQueue(queue, this.store.levelOf(queue.topic));
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
      this.connections.stop(consumer);
      effects.consumerClosed(connection.number, request, "TOPIC_DELETED", why);
    }
  }

  #confirm(connection: number, request: number, messages: number, topic: Topic): void {
    this.store.effects.confirm(connection, request, 1, 0, 0, messages, this.store.levelOf(topic));
  }
}
