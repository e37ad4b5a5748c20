/** ACK, NACK, RELEASE, TOUCH, CANCEL, RESCHEDULE, REDRIVE and PURGE of those that are named: what each does with the messages it selects. */
import { Failed } from "../../protocol/failure.js";
import { Durability } from "../../protocol/op.js";
import type { Ack, Cancel, DropDead, Nack, Redrive, Release, Reschedule, Touch } from "../command.js";
import * as ext from "../messages/extent.js";
import type { Failure } from "../messages/failure.js";
import { redriveAll } from "../messages/purge.js";
import type { Queue } from "../messages/queue.js";
import type { Store } from "../messages/store.js";
import { LOOKS_PER_EXTENT, type Steps } from "../steps.js";
import type { Directory } from "../topics/directory.js";
import type { Topic } from "../topics/topic.js";
import type { Connections } from "./connections.js";
import { settleKeys } from "./keyed-settlement.js";
import { type Disposition, Selections } from "./selections.js";

const { State } = ext;

export type SettleCommand = Ack | Nack | Release | Touch | Cancel | Reschedule | Redrive | DropDead;

/** The command, if it names messages by their keys. */
const namedByKey = (c: SettleCommand): Cancel | Reschedule | undefined =>
  (c.op === "cancel" || c.op === "reschedule") && c.byKey === true ? c : undefined;

export class Settlement {
  readonly #selections: Selections;
  /** Made once: acks are half of a broker's work. */
  readonly #ack: Disposition;

  constructor(
    readonly store: Store,
    readonly directory: Directory,
    readonly connections: Connections,
  ) {
    this.#selections = new Selections(store);
    this.#ack = this.#inFlight((queue, fragment, mask) => queue.ack(fragment, mask));
  }

  /** Settles what is selected and answers, if one step is enough. False: nothing is done, it needs `steps`. */
  settle(c: SettleCommand): boolean {
    const topic = this.directory.topic(c.topic);
    const queues = this.#queues(topic, c);
    const selections = this.#selections;
    if (namedByKey(c) !== undefined || (c.op === "redrive" && c.start === c.end)) return false;
    if (selections.partEnd(c.view, c.start, c.end, queues.length, this.#stepLooks) < c.end) return false;
    selections.begin();
    selections.walk(queues, c.view, c.start, c.end, this.#disposition(c));
    this.#answer(c, topic, selections);
    return true;
  }

  /** The same in steps. Throws NO_TOPIC, NO_QUEUE. */
  *steps(c: SettleCommand): Steps<SettleCommand> {
    const byKey = namedByKey(c);
    if (byKey !== undefined) return yield* settleKeys(this.store, this.directory, byKey);
    const topic = this.directory.topic(c.topic);
    if (c.op === "redrive" && c.start === c.end) {
      const { connection, request } = c;
      const messages = yield* redriveAll(this.directory.queue(topic, c.queue));
      this.store.effects.confirm(connection, request, 1, 0, 0, messages, topic.level);
      return;
    }
    const selections = new Selections(this.store);
    let settle = c;
    for (let done = 0; ; ) {
      // If the topic was deleted meanwhile, nothing is left to settle.
      const queues = this.directory.find(settle.topic) === topic ? this.#queues(topic, settle) : [];
      const start = settle.start + done;
      const end = selections.partEnd(settle.view, start, settle.end, queues.length, this.#stepLooks);
      selections.walk(queues, settle.view, start, end, this.#disposition(settle));
      done = end - settle.start;
      if (end === settle.end) break;
      settle = yield;
    }
    this.#answer(settle, topic, selections);
  }

  get #stepLooks(): number {
    return this.store.stepExtents * LOOKS_PER_EXTENT;
  }

  /** Throws NO_QUEUE. */
  #queues(topic: Topic, c: SettleCommand): readonly Queue[] {
    return c.queue === null ? [...topic.queues.values()] : this.directory.queue(topic, c.queue).asRoute;
  }

  #answer(c: SettleCommand, topic: Topic, { settled, faults }: Selections): void {
    const { effects } = this.store;
    // A lease is not kept on disk.
    const level = c.op === "touch" ? Durability.memory : topic.level;
    if (faults.length === 0) effects.confirm(c.connection, c.request, 1, 0, 0, settled, level);
    else effects.settled(c.connection, c.request, settled, faults, topic.level);
  }

  #disposition(c: SettleCommand): Disposition {
    switch (c.op) {
      case "ack":
        return this.#ack;
      case "nack": {
        const failure = this.#failureOf(c);
        return this.#inFlight((queue, fragment, mask) => queue.fail(fragment, mask, this.store.now, failure));
      }
      case "release":
        return this.#inFlight((queue, fragment, mask) => queue.release(fragment, mask, this.store.now));
      case "touch":
        return this.#inFlight((queue, fragment, mask) =>
          queue.touch(fragment, mask, this.store.now + (c.ttr > 0 ? c.ttr : queue.topic.config.ttr)),
        );
      case "cancel":
        return this.#delayed((queue, fragment, mask) => queue.cancel(fragment, mask));
      case "reschedule":
        return this.#delayed((queue, fragment, mask) => queue.reschedule(fragment, mask, this.store.now + c.delay));
      case "redrive":
        return this.#dead((queue, fragment, mask) => queue.redrive(fragment, mask));
      case "dropDead":
        return this.#dead((queue, fragment, mask) => queue.cancel(fragment, mask));
    }
  }

  /** What a NACK says of the deliveries that it ends. */
  #failureOf({ connection, delay, reject, reason = "" }: Nack): Failure {
    const consumer = this.connections.nameOf(connection);
    return { how: reject ? Failed.REJECTED : Failed.NACKED, delay, consumer, reason };
  }

  /** Accepts messages in flight, under the delivery that is named. */
  #inFlight(settle: Disposition["settle"]): Disposition {
    const { extents } = this.store;
    return {
      accepts: (fragment, delivery) =>
        extents.state(fragment) === State.IN_FLIGHT &&
        (delivery === 0 || extents.get(fragment, ext.DELIVERY) === (delivery | 0)),
      settle,
      // In flight under another delivery, dead, or back in the queue.
      refusal: (fragment) => {
        const wasDelivered = extents.retry(fragment) > 0 || extents.get(fragment, ext.DELIVERY) !== 0;
        return wasDelivered || extents.state(fragment) >= State.IN_FLIGHT ? "LEASE_LOST" : undefined;
      },
    };
  }

  /** Accepts dead letters. */
  #dead(settle: Disposition["settle"]): Disposition {
    const { extents } = this.store;
    return { accepts: (fragment) => extents.state(fragment) === State.DEAD, settle, refusal: () => undefined };
  }

  /** Accepts delayed messages. */
  #delayed(settle: Disposition["settle"]): Disposition {
    const { extents } = this.store;
    return {
      accepts: (fragment) => extents.state(fragment) === State.DELAYED,
      settle,
      refusal: () => "NOT_DELAYED",
    };
  }
}
