/**
 * The reference model of a shard: what docs/protocol.md says, with maps and arrays, and no thought of speed.
 *
 * The model is told each command together with what the shard did, and throws where that is not what the specification
 * says. What the specification leaves open (ids, delivery numbers, which of several consumers is handed a message) it
 * learns from what it sees, and holds to its laws.
 */
import assert from "node:assert/strict";
import type * as command from "../../src/shard/command.js";
import { ModelChannels } from "./model-channels.js";
import { type Address, type Effect, Witness } from "./model-effects.js";
import { browse, expectNothing, type Fetch, pop, popDead } from "./model-fetch.js";
import { assertNobodyStarves, findStarved, serve } from "./model-handout.js";
import { ModelPublisher } from "./model-publish.js";
import {
  beginEvent,
  getInLine,
  giveCredit,
  type ModelQueue,
  newWaiter,
  nextPlace,
  type Waiter,
} from "./model-queue.js";
import { settleAll } from "./model-settle.js";
import { nextDue, playQueue } from "./model-timers.js";
import { ModelTopic, Refusal } from "./model-topic.js";

/** Once a shard has sent this much in a turn it may put fetches off to the next. */
const TURN_BYTES = 1024 * 1024;

export interface ModelLimits {
  readonly maxTopics: number;
  readonly maxQueues: number;
  readonly maxConsumers: number;
}

export class Model {
  playedTo: number;
  readonly topics = new Map<string, ModelTopic>();
  readonly channels = new ModelChannels();
  readonly #held = new Set<number>();
  /** Fetches that are put off, by connection. */
  readonly #deferred = new Map<number, Fetch[]>();
  /** Bytes handed out since the last turn began. */
  #sent = 0;
  readonly #publisher = new ModelPublisher();
  readonly isHeld = (connection: number): boolean => this.#held.has(connection);

  constructor(
    readonly limits: ModelLimits,
    public now: number,
  ) {
    this.playedTo = now;
  }

  /** A command was applied, and these were its effects. */
  apply(cmd: command.Command, now: number, effects: readonly Effect[]): void {
    beginEvent();
    this.now = Math.max(this.now, now);
    const witness = new Witness(effects);
    if ("request" in cmd) refusable(cmd, witness, () => this.#apply(cmd, witness));
    else this.#apply(cmd, witness);
    witness.end();
    this.#countSent(effects);
  }

  /** Time has come to `now`; the shard was given turns until it had no more to do. */
  turn(now: number, effects: readonly Effect[]): void {
    beginEvent();
    this.now = Math.max(this.now, now);
    this.playedTo = this.now;
    this.#sent = 0;
    this.#countSent(effects);
    const witness = new Witness(effects);
    for (const topic of this.topics.values()) {
      for (const queue of topic.queues.values()) playQueue(topic, queue, this.now);
    }
    while (witness.next !== undefined) this.#happened(witness.next, witness);
    for (const connection of this.#deferred.keys()) {
      if (!this.isHeld(connection)) this.#resume(connection, undefined, witness);
    }
    this.channels.rest(this.isHeld);
    for (const queue of this.queues) {
      assertNobodyStarves(this, queue);
      const late = queue.pops.find(({ deadline }) => deadline <= this.now);
      assert.equal(late, undefined, "a pop was not answered in time");
    }
  }

  /** Takes what a turn may do: push messages, answer a fetch that was put off, send a backlog. */
  #happened(effect: Effect, witness: Witness): void {
    if (effect.kind === "channelMessages" || effect.kind === "channelLost") {
      return this.channels.catchUp(this.isHeld, witness);
    }
    assert.ok(effect.kind === "messages" || effect.kind === "fail", `a turn says ${effect.kind}`);
    const { connection, request } = effect;
    const isDeferred = this.#deferred.get(connection)?.some((cmd) => cmd.request === request) ?? false;
    if (isDeferred) this.#resume(connection, request, witness);
    else this.#pushed(witness);
  }

  #countSent(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind !== "messages") continue;
      for (const { entry } of effect.messages) this.#sent += entry.length;
    }
  }

  get queues(): ModelQueue[] {
    return [...this.topics.values()].flatMap((topic) => [...topic.queues.values()]);
  }

  /** When the shard has something to do again. */
  get nextDue(): number {
    return this.queues.reduce((next, queue) => Math.min(next, nextDue(queue)), Number.POSITIVE_INFINITY);
  }

  #apply(cmd: command.Command, witness: Witness): void {
    switch (cmd.op) {
      case "publish":
        return this.#publisher.publish(cmd, this.#useTopic, this.now, witness);
      case "pop":
      case "popDead":
      case "browse":
        return this.#fetchOrDefer(cmd, witness);
      case "consume":
        return this.#consume(cmd, witness);
      case "credit": {
        const consumer = this.#findConsumer(cmd.topic, cmd.queue, cmd.connection, cmd.consumer)?.consumer;
        if (consumer !== undefined) giveCredit(consumer, cmd.credit);
        return;
      }
      case "stop": {
        const found = this.#findConsumer(cmd.topic, cmd.queue, cmd.connection, cmd.consumer);
        if (found === undefined) throw new Refusal("NO_CONSUMER");
        found.queue.remove(found.consumer);
        return this.#confirm(cmd, 0, witness);
      }
      case "ack":
      case "nack":
      case "touch":
      case "redrive":
      case "cancel":
      case "reschedule": {
        const topic = this.#findTopic(cmd.topic);
        const queues = cmd.queue === null ? [...topic.queues.values()] : [topic.use(cmd.queue)];
        return settleAll(cmd, topic, queues, this.now, witness);
      }
      case "configure": {
        const topic = this.#useTopic(cmd.topic);
        topic.config = { ...topic.config, ...cmd.config };
        return this.#result(cmd, topic.config, witness);
      }
      case "declareQueue":
        this.#useTopic(cmd.topic).declare(cmd.queue);
        return this.#confirm(cmd, 0, witness);
      case "deleteQueue": {
        const topic = this.#findTopic(cmd.topic);
        const queue = topic.find(cmd.queue);
        this.#closeQueues([queue], witness);
        topic.queues.delete(queue.bindKey);
        topic.counters.dropped += queue.messages.size;
        return this.#confirm(cmd, queue.messages.size, witness);
      }
      case "deleteTopic": {
        const topic = this.#findTopic(cmd.topic);
        const queues = [...topic.queues.values()];
        this.#closeQueues(queues, witness);
        this.topics.delete(cmd.topic);
        return this.#confirm(
          cmd,
          queues.reduce((count, { messages }) => count + messages.size, 0),
          witness,
        );
      }
      case "pause":
      case "resume":
        this.#findTopic(cmd.topic).use(cmd.queue).paused = cmd.op === "pause";
        return this.#confirm(cmd, 0, witness);
      case "purge":
        return this.#purge(cmd, witness);
      case "stats":
        return this.#result(cmd, this.#findTopic(cmd.topic).stats(), witness);
      case "topics": {
        const after = [...this.topics.values()]
          .filter(({ name }) => name > cmd.after)
          .sort((a, b) => (a.name < b.name ? -1 : 1));
        const shown = after.slice(0, cmd.max).map((topic) => topic.stats());
        return this.#result(cmd, [shown, after.length > cmd.max], witness);
      }
      case "subscribe":
        if (!this.channels.has(cmd.channel) && this.channels.names >= this.limits.maxTopics) {
          throw new Refusal("TOO_MANY_TOPICS");
        }
        if (!this.channels.isSubscribed(cmd.channel, cmd.connection)) this.#assertRoomForConsumer();
        return this.#confirm(cmd, this.channels.subscribe(cmd, this.isHeld(cmd.connection)), witness);
      case "unsubscribe":
        this.channels.unsubscribe(cmd);
        return this.#confirm(cmd, 0, witness);
      case "publishChannel":
        return this.channels.publish(cmd, witness);
      case "disconnect":
        return this.#disconnect(cmd.connection);
      case "hold":
        this.#held.add(cmd.connection);
        this.channels.hold(cmd.connection);
        return;
      case "release":
        if (!this.#held.delete(cmd.connection)) return;
        for (const queue of this.queues) {
          for (const waiter of queue.waiters) if (waiter.connection === cmd.connection) getInLine(waiter);
        }
        return;
    }
  }

  readonly #useTopic = (name: string): ModelTopic => {
    const known = this.topics.get(name);
    if (known !== undefined) return known;
    this.#assertRoomForTopic();
    const topic = new ModelTopic(name, this.now, this.limits.maxQueues);
    this.topics.set(name, topic);
    return topic;
  };

  #findTopic(name: string): ModelTopic {
    const topic = this.topics.get(name);
    if (topic === undefined) throw new Refusal("NO_TOPIC");
    return topic;
  }

  #assertRoomForTopic(): void {
    if (this.topics.size >= this.limits.maxTopics) throw new Refusal("TOO_MANY_TOPICS");
  }

  #assertRoomForConsumer(): void {
    const waiting = this.queues.reduce((count, queue) => count + queue.waiters.length + queue.stoppedHolders, 0);
    if (waiting + this.channels.subscriptions >= this.limits.maxConsumers) throw new Refusal("TOO_MANY_CONSUMERS");
  }

  #findConsumer(
    name: string,
    bindKey: string,
    connection: number,
    request: number,
  ): { queue: ModelQueue; consumer: Waiter } | undefined {
    const queue = this.topics.get(name)?.queues.get(bindKey);
    const consumer = queue?.consumers.find((each) => each.connection === connection && each.request === request);
    return queue === undefined || consumer === undefined ? undefined : { queue, consumer };
  }

  /** Takes what was pushed to somebody who waits, or what answers a pop whose time is over. */
  #pushed(witness: Witness): void {
    const { connection, request, messages } = witness.take("messages");
    for (const topic of this.topics.values()) {
      for (const queue of topic.queues.values()) {
        const waiter = queue.waiters.find((each) => each.connection === connection && each.request === request);
        if (waiter === undefined) continue;
        if (messages.length > 0) return serve(this, topic, queue, waiter, messages);
        assert.ok(waiter.kind === "pop" && waiter.deadline <= this.now, "an answer without messages before its time");
        queue.remove(waiter);
        return;
      }
    }
    assert.fail(`messages for ${connection}/${request}, who waits for none`);
  }

  /** A fetch is carried out, unless its connection is held or the shard has sent enough for one turn. */
  #fetchOrDefer(cmd: Fetch, witness: Witness): void {
    const waiting = this.#deferred.get(cmd.connection) ?? [];
    const isPutOff = waiting.length > 0 || this.isHeld(cmd.connection);
    const isEnough = witness.next === undefined && this.#sent >= TURN_BYTES;
    if (isPutOff || isEnough || !this.#fetch(cmd, witness))
      this.#deferred.set(cmd.connection, [...waiting, { ...cmd }]);
  }

  /** Carries out what a connection had put off, up to a request; undefined: as much as there is. */
  #resume(connection: number, request: number | undefined, witness: Witness): void {
    const waiting = this.#deferred.get(connection) ?? [];
    for (let cmd = waiting[0]; cmd !== undefined; cmd = waiting[0]) {
      const isDone = refusable(cmd, witness, () => this.#fetch(cmd, witness));
      assert.ok(isDone, "a fetch was put off although the shard is at rest");
      waiting.shift();
      if (cmd.request === request) return;
    }
    this.#deferred.delete(connection);
  }

  /** False: the shard has sent enough for one turn to those who came first. */
  #fetch(cmd: Fetch, witness: Witness): boolean {
    if (cmd.op === "popDead") {
      const topic = this.#findTopic(cmd.topic);
      popDead(cmd, topic, topic.use(cmd.queue), this, witness);
      return true;
    }
    if (cmd.op === "browse") {
      browse(cmd, this.#findTopic(cmd.topic).use(cmd.queue), witness);
      return true;
    }
    // A pop that does not wait makes no topic.
    if (cmd.wait === 0 && !this.topics.has(cmd.topic)) {
      expectNothing(cmd, witness);
      return true;
    }
    const topic = this.#useTopic(cmd.topic);
    const queue = topic.use(cmd.queue);
    // Those who came first come first.
    while (queue.isWaiting(witness.next)) this.#pushed(witness);
    if (witness.next === undefined && findStarved(this, queue) !== undefined) return false;
    if (pop(cmd, topic, queue, this, witness)) return true;
    if (cmd.wait === 0) {
      expectNothing(cmd, witness);
    } else {
      this.#assertRoomForConsumer();
      // In line behind those who were served before it.
      beginEvent();
      const rest = { credit: cmd.max, maxBytes: cmd.maxBytes, deadline: this.now + cmd.wait };
      queue.pops.push(newWaiter(cmd, { kind: "pop", ...rest }));
    }
    return true;
  }

  #consume(cmd: command.Consume, witness: Witness): void {
    const queue = this.#useTopic(cmd.topic).use(cmd.queue);
    this.#assertRoomForConsumer();
    queue.consumers.push(newWaiter(cmd, { kind: "consumer", credit: cmd.credit, renew: cmd.renew }));
    this.#confirm(cmd, 0, witness);
  }

  /** Everybody who waits on queues that are going is told. */
  #closeQueues(queues: readonly ModelQueue[], witness: Witness): void {
    const expected = queues.flatMap((queue) =>
      queue.waiters.map(({ kind, connection, request }) => {
        const error = "TOPIC_DELETED" as const;
        return {
          kind: kind === "consumer" ? ("consumerClosed" as const) : ("fail" as const),
          connection,
          request,
          error,
        };
      }),
    );
    const seen: Effect[] = [];
    while (witness.next?.kind === "consumerClosed" || witness.next?.kind === "fail") {
      seen.push(witness.take(witness.next.kind));
    }
    const inOrder = (effects: readonly Effect[]): string[] => effects.map((effect) => JSON.stringify(effect)).sort();
    assert.deepEqual(inOrder(seen), inOrder(expected));
  }

  #purge(cmd: command.Purge, witness: Witness): void {
    const topic = this.#findTopic(cmd.topic);
    const queue = topic.use(cmd.queue);
    let count = 0;
    for (const message of [...queue.messages.values()]) {
      if (cmd.state !== "all" && cmd.state !== message.state) continue;
      topic.returnCredit(message);
      queue.messages.delete(message.id);
      count++;
    }
    topic.counters.dropped += count;
    this.#confirm(cmd, count, witness);
  }

  #disconnect(connection: number): void {
    this.#held.delete(connection);
    this.#deferred.delete(connection);
    this.channels.disconnect(connection);
    for (const topic of this.topics.values()) {
      for (const queue of topic.queues.values()) {
        for (const waiter of queue.waiters) if (waiter.connection === connection) queue.remove(waiter);
        giveAllBack(topic, queue, connection, this.now);
      }
    }
  }

  #confirm({ connection, request }: { connection: number; request: number }, messages: number, witness: Witness): void {
    witness.expect({ kind: "confirm", connection, request, requests: 1, id: 0n, messages });
  }

  #result({ connection, request }: { connection: number; request: number }, value: unknown, witness: Witness): void {
    witness.expect({ kind: "result", connection, request, value });
  }
}

/** What the consumers of a connection hold comes back, each delivery in turn; of several consumers, in any order. */
const giveAllBack = (topic: ModelTopic, queue: ModelQueue, connection: number, now: number): void => {
  const held = queue.list("in-flight").filter(({ holder }) => holder?.connection === connection);
  const holders = new Set(held.map(({ holder }) => holder));
  let last = -1;
  let place = nextPlace();
  for (const message of held) {
    if (message.delivery !== last && holders.size === 1) place = nextPlace();
    last = message.delivery;
    topic.giveBack(queue, message, now, 0, place);
  }
};

/** Carries out a request, which may be refused. */
const refusable = <T>({ connection, request }: Address, witness: Witness, act: () => T): T | "refused" => {
  try {
    return act();
  } catch (cause) {
    if (!(cause instanceof Refusal)) throw cause;
    witness.expect({ kind: "fail", connection, request, error: cause.error });
    return "refused";
  }
};
