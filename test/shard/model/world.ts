/** What there is in a shard: topics, channels, who is held; and the limits on it. */
import assert from "node:assert/strict";
import { ModelChannels } from "./channels.js";
import type { Address, Witness } from "./effects.js";
import type { Hands } from "./handout.js";
import type { ModelQueue, Waiter } from "./queue.js";
import { nextDue } from "./timers.js";
import { ModelTopic, Refusal } from "./topic.js";

export interface ModelLimits {
  readonly maxTopics: number;
  readonly maxQueues: number;
  readonly maxConsumers: number;
  readonly topicIdle: number;
}

/** Milliseconds in which a shard looks at all its topics: of the time after which they are forgotten. */
const roundOf = (topicIdle: number): number => Math.max(100, topicIdle / 8);

export class World implements Hands {
  playedTo: number;
  readonly topics = new Map<string, ModelTopic>();
  readonly channels = new ModelChannels();
  readonly held = new Set<number>();
  /** What the clients of connections call themselves. */
  readonly names = new Map<number, string>();
  readonly isHeld = (connection: number): boolean => this.held.has(connection);

  constructor(
    readonly limits: ModelLimits,
    public now: number,
  ) {
    this.playedTo = now;
  }

  get queues(): ModelQueue[] {
    return [...this.topics.values()].flatMap((topic) => [...topic.queues.values()]);
  }

  /** When something happens that nobody asks for. */
  get nextDue(): number {
    return this.queues.reduce((next, queue) => Math.min(next, nextDue(queue)), Number.POSITIVE_INFINITY);
  }

  /** The topic of that name, made if it is new. */
  readonly useTopic = (name: string): ModelTopic => {
    const known = this.topics.get(name);
    if (known !== undefined) {
      known.namedAt = this.now;
      return known;
    }
    if (this.topics.size >= this.limits.maxTopics) throw new Refusal("TOO_MANY_TOPICS");
    const topic = new ModelTopic(name, this.now, this.limits.maxQueues);
    this.topics.set(name, topic);
    return topic;
  };

  /** To be looked at, which is no use. */
  lookAt(name: string): ModelTopic {
    const topic = this.topics.get(name);
    if (topic === undefined) throw new Refusal("NO_TOPIC");
    return topic;
  }

  findTopic(name: string): ModelTopic {
    const topic = this.lookAt(name);
    topic.namedAt = this.now;
    return topic;
  }

  /** Does something. What it has made in passing is gone with it, unless something has come of it. */
  tidying<T>(act: () => T): T {
    const before = new Set<object>([...this.topics.values(), ...this.queues]);
    const result = act();
    for (const topic of [...this.topics.values()]) {
      for (const queue of [...topic.queues.values()]) {
        if (!(before.has(queue) || queue.isMeant || queue.isInUse)) topic.queues.delete(queue.bindKey);
      }
      if (!(before.has(topic) || topic.isMeant) && topic.queues.size === 0) this.topics.delete(topic.name);
    }
    return result;
  }

  /** Topics that are in use are not forgotten for a while. */
  see(): void {
    for (const topic of this.topics.values()) if (!topic.isVoid) topic.seenAt = this.now;
  }

  /** The shard was given its turns. Topics of which nothing is left may have gone, and must when it is time. */
  forget(isThere: (name: string) => boolean, isAwaited: (name: string) => boolean): void {
    const { topicIdle } = this.limits;
    for (const topic of [...this.topics.values()]) {
      const { name } = topic;
      topic.producers.age(this.now, topic.config);
      if (isThere(name)) {
        const remembers = Math.max(topic.producers.endOf(topic.config), topic.keys.end);
        const unused = this.now - Math.max(topic.namedAt, topic.seenAt, remembers);
        const isOverdue = topic.isVoid && !isAwaited(name) && unused > topicIdle + roundOf(topicIdle);
        assert.ok(!isOverdue, `topic ${name} is not forgotten after ${unused} ms`);
        continue;
      }
      assert.ok(topic.isVoid, `topic ${name} is forgotten, and something is left of it`);
      assert.ok(!isAwaited(name), `topic ${name} is forgotten, and a request about it was put off`);
      assert.ok(this.now - topic.namedAt >= topicIdle, `topic ${name} is forgotten before its time`);
      assert.ok(!topic.keys.areKnown(this.now), `topic ${name} is forgotten, and with it keys`);
      const remembers = topic.producers.endOf(topic.config);
      assert.ok(this.now >= remembers, `topic ${name} is forgotten, and with it producers until ${remembers}`);
      this.topics.delete(name);
    }
  }

  assertRoomForConsumer(): void {
    const waiting = this.queues.reduce((count, queue) => count + queue.waiters.length + queue.stoppedHolders, 0);
    if (waiting + this.channels.subscriptions >= this.limits.maxConsumers) throw new Refusal("TOO_MANY_CONSUMERS");
  }

  assertRoomForChannel(name: string): void {
    if (this.channels.has(name)) return;
    if (this.channels.names >= this.limits.maxTopics) throw new Refusal("TOO_MANY_TOPICS");
  }

  findConsumer(cmd: {
    readonly topic: string;
    readonly queue: string;
    readonly connection: number;
    readonly consumer: number;
  }): { topic: ModelTopic; queue: ModelQueue; consumer: Waiter } | undefined {
    const topic = this.topics.get(cmd.topic);
    const queue = topic?.queues.get(cmd.queue);
    const consumer = queue?.consumers.find(
      ({ connection, request }) => connection === cmd.connection && request === cmd.consumer,
    );
    if (topic === undefined || queue === undefined || consumer === undefined) return undefined;
    return { topic, queue, consumer };
  }
}

/** Carries out a request, which may be refused. */
export const refusable = <T>({ connection, request }: Address, witness: Witness, act: () => T): T | "refused" => {
  try {
    return act();
  } catch (cause) {
    if (!(cause instanceof Refusal)) throw cause;
    witness.expect({ kind: "fail", connection, request, error: cause.error });
    return "refused";
  }
};

export const expectConfirm = ({ connection, request }: Address, messages: number, witness: Witness): void =>
  witness.expect({ kind: "confirm", connection, request, requests: 1, id: 0n, messages });

export const expectResult = ({ connection, request }: Address, value: unknown, witness: Witness): void =>
  witness.expect({ kind: "result", connection, request, value });
