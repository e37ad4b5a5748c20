/** Who is answered when: fetches and lists at once or put off, those who wait for messages in turns. */
import assert from "node:assert/strict";
import { LOOKS_PER_EXTENT } from "../../../src/shard/steps.js";
import { type Listing, list } from "./administration.js";
import type { Effect, Witness } from "./effects.js";
import { browse, expectNothing, type Fetch, pop, popDead } from "./fetch.js";
import { assertNobodyStarves, findStarved, serve } from "./handout.js";
import { beginEvent, newWaiter } from "./queue.js";
import { refusable, type World } from "./world.js";

/** Once a shard has sent this much in a turn it may put fetches off to the next. */
const TURN_BYTES = 1024 * 1024;

/** Extents of a step of the shards that are played on: see `OPTIONS` of driver.ts. */
export const STEP = 4;

/** Once browses may have looked at so many extents in a turn the shard may put the next one off as well. */
const TURN_WALK = STEP * LOOKS_PER_EXTENT;

/** What can be put off. */
type Deferrable = Fetch | Listing;

export class ModelDispatcher {
  /** Requests that are put off, by connection. */
  readonly #deferred = new Map<number, Deferrable[]>();
  /** Bytes handed out since the last turn began. */
  #sent = 0;
  /** Messages that browses since then have skipped or begun with: at least as many as there were extents to look at. */
  #walked = 0;

  constructor(readonly world: World) {}

  /** Effects that were seen count towards what may be sent in a turn; `isTurn`: of a new one. */
  countSent(effects: readonly Effect[], isTurn: boolean): void {
    if (isTurn) {
      this.#sent = 0;
      this.#walked = 0;
    }
    for (const effect of effects) {
      if (effect.kind === "messages") this.#sent += effect.bytes;
    }
  }

  /** Takes what a turn may say: to those who wait, and in answer to a request that was put off. */
  handedOut(effect: Extract<Effect, { kind: "messages" | "result" | "fail" }>, witness: Witness): void {
    const { connection, request } = effect;
    const isDeferred = this.#deferred.get(connection)?.some((cmd) => cmd.request === request) ?? false;
    if (isDeferred) this.#resume(connection, request, witness);
    else this.pushed(witness);
  }

  /** The turns are over: nothing is put off any more, and nobody waits for what is there. */
  rest(witness: Witness): void {
    for (const connection of this.#deferred.keys()) {
      if (!this.world.isHeld(connection)) this.#resume(connection, undefined, witness);
    }
    for (const queue of this.world.queues) {
      assertNobodyStarves(this.world, queue);
      const late = queue.pops.find(({ deadline }) => deadline <= this.world.now);
      assert.equal(late, undefined, "a pop was not answered in time");
    }
  }

  /** A request about the topic of that name is put off. */
  isAwaited(topic: string): boolean {
    return [...this.#deferred.values()].flat().some((cmd) => "topic" in cmd && cmd.topic === topic);
  }

  forget(connection: number): void {
    this.#deferred.delete(connection);
  }

  /** Takes what was pushed to somebody who waits, or what answers a pop whose time is over. */
  pushed(witness: Witness): void {
    const { connection, request, messages } = witness.take("messages");
    for (const topic of this.world.topics.values()) {
      for (const queue of topic.queues.values()) {
        const waiter = queue.waiters.find((each) => each.connection === connection && each.request === request);
        if (waiter === undefined) continue;
        if (messages.length > 0) return serve(this.world, topic, queue, waiter, messages);
        assert.ok(
          waiter.kind === "pop" && waiter.deadline <= this.world.now,
          "an answer without messages before its time",
        );
        queue.remove(waiter);
        return;
      }
    }
    assert.fail(`messages for ${connection}/${request}, who waits for none`);
  }

  /** A fetch is carried out, unless its connection is held or the shard has sent enough for one turn. */
  fetch(cmd: Fetch, witness: Witness): void {
    if (cmd.op === "browse") this.#walked += cmd.offset + 1;
    const isSpent = this.#sent >= TURN_BYTES || (cmd.op === "browse" && this.#walked >= TURN_WALK);
    const isEnough = witness.next === undefined && isSpent;
    if (this.#mustWait(cmd) || isEnough || !this.#carryOut(cmd, false, witness)) this.#putOff(cmd);
  }

  /** A list is answered, unless its connection is held. */
  list(cmd: Listing, witness: Witness): void {
    if (this.#mustWait(cmd)) this.#putOff(cmd);
    else list(cmd, this.world, witness);
  }

  #mustWait({ connection }: Deferrable): boolean {
    return this.#deferred.has(connection) || this.world.isHeld(connection);
  }

  #putOff(cmd: Deferrable): void {
    this.#deferred.set(cmd.connection, [...(this.#deferred.get(cmd.connection) ?? []), { ...cmd }]);
  }

  /** Carries out what a connection had put off, up to a request; undefined: as much as there is. */
  #resume(connection: number, request: number | undefined, witness: Witness): void {
    const waiting = this.#deferred.get(connection) ?? [];
    for (let cmd = waiting[0]; cmd !== undefined; cmd = waiting[0]) {
      const act = (): boolean => this.#carryOut(cmd, true, witness);
      const isDone = this.world.tidying(() => refusable(cmd, witness, act));
      assert.ok(isDone, "a request was put off although the shard is at rest");
      waiting.shift();
      if (cmd.request === request) return;
    }
    this.#deferred.delete(connection);
  }

  /** False: the shard has sent enough for one turn to those who came first. What was put off comes before them. */
  #carryOut(cmd: Deferrable, wasPutOff: boolean, witness: Witness): boolean {
    if (cmd.op === "stats" || cmd.op === "topics") {
      list(cmd, this.world, witness);
      return true;
    }
    if (cmd.op === "popDead") {
      const topic = this.world.findTopic(cmd.topic);
      popDead(cmd, topic, topic.use(cmd.queue), this.world, witness);
      return true;
    }
    if (cmd.op === "browse") {
      browse(cmd, this.world.lookAt(cmd.topic).use(cmd.queue), witness);
      return true;
    }
    // A pop that does not wait makes no topic.
    if (cmd.wait === 0 && !this.world.topics.has(cmd.topic)) {
      expectNothing(cmd, witness);
      return true;
    }
    const topic = this.world.useTopic(cmd.topic);
    const queue = topic.use(cmd.queue);
    // Those who came first come first.
    if (!wasPutOff) {
      while (queue.isWaiting(witness.next)) this.pushed(witness);
      if (witness.next === undefined && findStarved(this.world, queue) !== undefined) return false;
      if (queue.count("ready") > 0 && !queue.paused) assertNobodyStarves(this.world, queue);
    }
    if (pop(cmd, topic, queue, this.world, witness)) return true;
    if (cmd.wait === 0) {
      expectNothing(cmd, witness);
    } else {
      this.world.assertRoomForConsumer();
      // In line behind those who were served before it.
      beginEvent();
      const rest = { credit: cmd.max, maxBytes: cmd.maxBytes, deadline: this.world.now + cmd.wait };
      queue.pops.push(newWaiter(cmd, { kind: "pop", ...rest }));
    }
    return true;
  }
}
