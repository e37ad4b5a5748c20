/**
 * ACK, NACK, TOUCH, CANCEL, RESCHEDULE and REDRIVE: what each wants of the messages it selects.
 */
import type { Ack, Cancel, Nack, Redrive, Reschedule, Touch } from "./command.js";
import type { Directory } from "./directory.js";
import * as ext from "./extent.js";
import type { Queue } from "./queue.js";
import { Selections, type Wish } from "./selections.js";
import type { Store } from "./store.js";

const { State } = ext;

export type Settle = Ack | Nack | Touch | Cancel | Reschedule | Redrive;

export class Settlement {
  readonly #selections: Selections;
  /** Made once: acks are half of a broker's work. */
  readonly #ack: Wish;

  constructor(
    readonly store: Store,
    readonly directory: Directory,
  ) {
    this.#selections = new Selections(store);
    this.#ack = this.#inFlight((queue, fragment, mask) => queue.ack(fragment, mask));
  }

  /** Settles what is selected and answers. Throws NO_TOPIC, NO_QUEUE. */
  apply(c: Settle): void {
    const { effects } = this.store;
    const topic = this.directory.topic(c.topic);
    const queues = c.queue === null ? [...topic.queues.values()] : [this.directory.queue(topic, c.queue)];
    if (c.op === "redrive" && c.start === c.end) {
      effects.confirm(c.connection, c.request, 1, 0, 0, this.#redriveAll(queues), topic.level);
      return;
    }
    const selections = this.#selections;
    selections.walk(queues, c.view, c.start, c.end, this.#wish(c));
    if (selections.faults.length === 0) {
      effects.confirm(c.connection, c.request, 1, 0, 0, selections.settled, topic.level);
    } else {
      effects.settled(c.connection, c.request, selections.settled, selections.faults);
    }
  }

  #redriveAll(queues: readonly Queue[]): number {
    const { extents } = this.store;
    let count = 0;
    for (const queue of queues) {
      count += queue.deadCount;
      while (queue.dead.head !== ext.NONE) queue.redrive(queue.dead.head, extents.get(queue.dead.head, ext.MASK));
    }
    return count;
  }

  #wish(c: Settle): Wish {
    switch (c.op) {
      case "ack":
        return this.#ack;
      case "nack":
        return this.#inFlight((queue, fragment, mask) =>
          queue.giveBack(fragment, mask, this.store.now, c.delay, c.reject),
        );
      case "touch":
        return this.#inFlight((queue, fragment, mask) =>
          queue.touch(fragment, mask, this.store.now + (c.ttr > 0 ? c.ttr : queue.topic.config.ttr)),
        );
      case "cancel":
        return this.#delayed((queue, fragment, mask) => queue.cancel(fragment, mask));
      case "reschedule":
        return this.#delayed((queue, fragment, mask) => queue.reschedule(fragment, mask, this.store.now + c.delay));
      case "redrive":
        return {
          accepts: (fragment) => this.store.extents.state(fragment) === State.DEAD,
          settle: (queue, fragment, mask) => queue.redrive(fragment, mask),
          refusal: () => undefined,
        };
    }
  }

  /** Wants messages in flight under the delivery that is quoted. */
  #inFlight(settle: Wish["settle"]): Wish {
    const { extents } = this.store;
    return {
      accepts: (fragment, delivery) =>
        extents.state(fragment) === State.IN_FLIGHT &&
        (delivery === 0 || extents.get(fragment, ext.DELIVERY) === (delivery | 0)),
      settle,
      // In flight with somebody else, dead, or back in the queue after a delivery.
      refusal: (fragment) =>
        extents.retry(fragment) > 0 || extents.state(fragment) >= State.IN_FLIGHT ? "LEASE_LOST" : undefined,
    };
  }

  /** Wants delayed messages. */
  #delayed(settle: Wish["settle"]): Wish {
    const { extents } = this.store;
    return {
      accepts: (fragment) => extents.state(fragment) === State.DELAYED,
      settle,
      refusal: () => "NOT_DELAYED",
    };
  }
}
