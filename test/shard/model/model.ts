/**
 * The reference model of a shard: what docs/protocol.md says, with maps and arrays, and no thought of speed.
 *
 * The model is told each command together with what the shard did, and throws where that is not what the specification
 * says. What the specification leaves open (ids, delivery numbers, which of several consumers is handed a message) it
 * learns from what it sees, and holds to its laws.
 */

import assert from "node:assert/strict";
import { Failed } from "../../../src/protocol/failure.js";
import type { Command, Consume, Seen, Stop } from "../../../src/shard/command.js";
import { administer } from "./administration.js";
import { ModelDispatcher } from "./dispatcher.js";
import { type Effect, Witness } from "./effects.js";
import { ModelPublisher } from "./publish.js";
import {
  beginEvent,
  getInLine,
  giveCredit,
  isAhead,
  isRenewed,
  type ModelQueue,
  newWaiter,
  nextPlace,
} from "./queue.js";
import { settleAll } from "./settle.js";
import { settleKeys } from "./settle-keys.js";
import { playQueue } from "./timers.js";
import { type ModelTopic, Refusal } from "./topic.js";
import { expectConfirm, type ModelLimits, refusable, World } from "./world.js";

export class Model {
  readonly world: World;
  readonly #publisher = new ModelPublisher();
  readonly #dispatcher: ModelDispatcher;

  constructor(limits: ModelLimits, now: number) {
    this.world = new World(limits, now);
    this.#dispatcher = new ModelDispatcher(this.world);
  }

  /** A command was applied, and these were its effects. */
  apply(cmd: Command, now: number, effects: readonly Effect[]): void {
    beginEvent();
    this.world.now = Math.max(this.world.now, now);
    const witness = new Witness(effects);
    this.world.see();
    this.world.tidying(() => {
      if ("request" in cmd) refusable(cmd, witness, () => this.#apply(cmd, witness));
      else this.#apply(cmd, witness);
    });
    this.world.see();
    witness.end();
    this.#dispatcher.countSent(effects, false);
  }

  /**
   * Time has come to `now`; the shard was given turns until it had no more to do. `isThere`: whether it has a topic
   * still.
   */
  turn(now: number, effects: readonly Effect[], isThere: (name: string) => boolean): void {
    const { world } = this;
    beginEvent();
    world.now = Math.max(world.now, now);
    world.playedTo = world.now;
    world.see();
    this.#dispatcher.countSent(effects, true);
    for (const topic of world.topics.values()) {
      for (const queue of topic.queues.values()) playQueue(topic, queue, world.now);
    }
    const witness = new Witness(effects);
    for (let effect = witness.next; effect !== undefined; effect = witness.next) {
      if (effect.kind === "channelMessages" || effect.kind === "channelLost") {
        world.channels.catchUp(world.isHeld, witness);
      } else if (effect.kind === "close") {
        world.channels.closed(world.isHeld, witness);
      } else {
        const { kind } = effect;
        assert.ok(kind === "messages" || kind === "result" || kind === "fail", `a turn says ${kind}`);
        this.#dispatcher.handedOut(effect, witness);
      }
    }
    this.#dispatcher.rest(witness);
    world.channels.rest(world.isHeld);
    world.see();
    world.forget(isThere, (name) => this.#dispatcher.isAwaited(name));
  }

  #apply(cmd: Command, witness: Witness): void {
    const { world } = this;
    switch (cmd.op) {
      case "publish":
        return this.#publisher.publish(cmd, world.useTopic, world.now, witness);
      case "pop":
      case "popDead":
      case "browse":
        return this.#dispatcher.fetch(cmd, witness);
      case "stats":
      case "topics":
        return this.#dispatcher.list(cmd, witness);
      case "consume":
        return this.#consume(cmd, witness);
      case "credit": {
        // Not an error: it may cross the word that the consumer is closed.
        const found = world.findConsumer(cmd);
        if (found !== undefined) giveCredit(found.consumer, cmd.credit);
        return;
      }
      case "seen":
        return this.#seen(cmd);
      case "answered":
        return world.topics.get(cmd.topic)?.producers.leaves(cmd.producer, cmd.answered);
      case "stop":
        return this.#stop(cmd, witness);
      case "ack":
      case "nack":
      case "release":
      case "touch":
      case "redrive":
      case "dropDead":
      case "cancel":
      case "reschedule": {
        const topic = world.findTopic(cmd.topic);
        const queues = cmd.queue === null ? [...topic.queues.values()] : [topic.use(cmd.queue)];
        if ((cmd.op === "cancel" || cmd.op === "reschedule") && cmd.byKey === true) {
          return settleKeys(cmd, topic, queues, world.now, witness);
        }
        return settleAll(cmd, topic, queues, world.now, world.names.get(cmd.connection) ?? "", witness);
      }
      case "subscribe":
        world.assertRoomForChannel(cmd.channel);
        if (!world.channels.isSubscribed(cmd.channel, cmd.connection)) world.assertRoomForConsumer();
        return expectConfirm(cmd, world.channels.subscribe(cmd, world.isHeld(cmd.connection)), witness);
      case "unsubscribe":
        world.channels.unsubscribe(cmd);
        return expectConfirm(cmd, 0, witness);
      case "publishChannel":
        return world.channels.publish(cmd, witness);
      case "disconnect":
        return this.#disconnect(cmd.connection);
      case "hold":
        world.held.add(cmd.connection);
        return world.channels.hold(cmd.connection);
      case "unhold":
        if (!world.held.delete(cmd.connection)) return;
        for (const queue of world.queues) {
          for (const waiter of queue.waiters) if (waiter.connection === cmd.connection) getInLine(waiter);
        }
        return;
      case "explain":
        throw new Error("the model knows nothing of explanations: see test/shard/consumers/explanations.test.ts");
      case "consumers":
        throw new Error(
          "the model knows nothing of lists of consumers: see test/shard/consumers/consumer-list.test.ts",
        );
      case "find":
      case "delayed":
      case "deadGroups":
        throw new Error(`the model knows nothing of ${cmd.op}: see test/shard/messages`);
      case "lookup":
        throw new Error("the model knows nothing of lookups: see test/shard/topics/keys.test.ts");
      case "channelCredit":
      case "configureChannel":
      case "deleteChannel":
      case "channelStats":
      case "channels":
        throw new Error(`the model knows nothing of ${cmd.op}: see test/shard/channels`);
      default:
        return administer(cmd, world, witness);
    }
  }

  #consume(cmd: Consume, witness: Witness): void {
    const { world } = this;
    const { connection, request, credit, renew, reports = false } = cmd;
    const topic = world.useTopic(cmd.topic);
    const queue = topic.use(cmd.queue);
    world.assertRoomForConsumer();
    const { autoAck, ttr } = topic.config;
    const acksSeen = reports && autoAck;
    queue.consumers.push(
      newWaiter(cmd, {
        kind: "consumer",
        client: world.names.get(connection) ?? "",
        credit,
        renew,
        reports,
        acksSeen,
        ttr,
      }),
    );
    if (reports) witness.expect({ kind: "result", connection, request, value: { now: world.now, ttr, autoAck } });
    else expectConfirm(cmd, 0, witness);
  }

  #seen({ topic: name, queue: key, connection, consumer: request, delivery, idLow, renews }: Seen): void {
    const { world } = this;
    const topic = world.topics.get(name);
    const queue = topic?.queues.get(key || "default");
    const consumer = queue?.consumerOf(connection, request);
    if (topic === undefined || queue === undefined || consumer?.reports !== true) return;
    const { sent } = consumer;
    const last = sent.at(-1);
    if (delivery !== 0 && last !== undefined && ((delivery - last.delivery) | 0) <= 0) {
      const passed = sent.findLastIndex((each) => {
        const later = (each.delivery - delivery) | 0;
        return later < 0 || (later === 0 && Number(each.id & 0xffff_ffffn) <= idLow);
      });
      consumer.seen = Math.max(consumer.seen, passed + 1);
    }
    const isRenewal = renews && !isRenewed(consumer, topic.config, world.now);
    if (isRenewal) consumer.renewal = { at: world.now, config: topic.config, sent: sent.length };
    for (const message of queue.list("in-flight").filter(({ holder }) => holder === consumer)) {
      if (isAhead(message) && isRenewal) message.due = world.now + Math.max(topic.config.ttr, consumer.ttr);
      if (!isAhead(message) && consumer.acksSeen) topic.ack(queue, message);
    }
  }

  /** Throws NO_CONSUMER. */
  #stop(cmd: Stop, witness: Witness): void {
    const { world } = this;
    const found = world.findConsumer(cmd);
    if (found === undefined) throw new Refusal("NO_CONSUMER");
    const { topic, queue, consumer } = found;
    queue.remove(consumer);
    const held = queue.list("in-flight").filter(({ holder }) => holder === consumer);
    const ahead = cmd.givesBack === true ? held.filter(isAhead) : [];
    // Those that have expired do so in any order.
    const place = nextPlace();
    for (const message of ahead) topic.release(queue, message, world.now, place);
    expectConfirm(cmd, ahead.length, witness);
  }

  #disconnect(connection: number): void {
    const { world } = this;
    world.held.delete(connection);
    world.names.delete(connection);
    this.#dispatcher.forget(connection);
    world.channels.disconnect(connection);
    for (const topic of world.topics.values()) {
      for (const queue of topic.queues.values()) {
        for (const waiter of queue.waiters) if (waiter.connection === connection) queue.remove(waiter);
        giveAllBack(topic, queue, connection, world.now);
      }
    }
  }
}

/**
 * What the consumers of a connection hold comes back, each delivery in turn; of several consumers, in any order. What lies
 * ahead and has expired dies in any order.
 */
const giveAllBack = (topic: ModelTopic, queue: ModelQueue, connection: number, now: number): void => {
  const held = queue.list("in-flight").filter(({ holder }) => holder?.connection === connection);
  const holders = new Set(held.map(({ holder }) => holder));
  let last = -1;
  let wasAhead = false;
  let place = nextPlace();
  for (const message of held) {
    const ahead = isAhead(message);
    const isNext = ahead ? !wasAhead : message.delivery !== last;
    if (isNext && holders.size === 1) place = nextPlace();
    last = message.delivery;
    wasAhead = ahead;
    topic.endLease(queue, message, now, Failed.CONSUMER_GONE, place);
  }
};
