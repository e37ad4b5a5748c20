/** Deliveries that are part of a trace and not settled yet. */
import { Attribute, type Attributes, type OpenSpan } from "./spans.js";

/** What becomes of a delivery. */
export type Outcome = "acked" | "nacked" | "released" | "expired" | "connection closed";

/** Who takes messages: a consumer, or a pop. */
export interface Taker {
  readonly topic: string;
  readonly queue: string;
  readonly shard: number;
  /** What it holds stays its own whatever becomes of the connection. */
  readonly isPop: boolean;
  /** Its topic has auto-ack, and its reports ack. */
  acksBySeen: boolean;
  /** It takes no more, and may hold some. */
  isStopped: boolean;
  /** Deliveries to it that are part of a trace and not settled. */
  held: number;
}

export interface Delivery {
  readonly idHigh: number;
  /** Of the first of them: the ids of a run are of one millisecond. */
  readonly idLow: number;
  readonly count: number;
  /** Of its run. */
  readonly number: number;
  /** How long the lease was, in milliseconds. */
  readonly ttr: number;
  readonly taker: Taker;
  readonly span: OpenSpan;
}

/** A `Delivery` and what is left of it. */
interface Held extends Delivery {
  /** Messages that are not settled. */
  left: number;
  /** When the lease ends: milliseconds since 1970. */
  deadline: number;
}

/** What is said of a lease that has ended some time ago: a touch may be on its way. */
const GRACE = 1_000;

/** More are not part of a trace. */
const MAX_HELD = 10_000;

const FAILURES: Partial<Readonly<Record<Outcome, string>>> = {
  expired: "the lease has ended, and nobody had settled the message",
  "connection closed": "the connection of the consumer has closed",
};

export class Deliveries {
  /** By the number of their run, which those of several shards may have. */
  readonly #held = new Map<number, Held[]>();
  #size = 0;

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  get isFull(): boolean {
    return this.#size >= MAX_HELD;
  }

  add(delivery: Delivery, deadline: number): void {
    const held: Held = { ...delivery, left: delivery.count, deadline };
    const others = this.#held.get(delivery.number);
    if (others === undefined) this.#held.set(delivery.number, [held]);
    else others.push(held);
    this.#size++;
    delivery.taker.held++;
  }

  /** Of a selection. `number` 0: whichever delivery it is. */
  settle(idHigh: number, idLow: number, count: number, number: number, outcome: Outcome): void {
    this.#select(idHigh, idLow, count, number, (held, selected) => {
      held.left -= selected;
      if (held.left <= 0) this.#end(held, outcome);
    });
  }

  /** The same for what is to be held on to. `ttr` undefined: as before. */
  touch(idHigh: number, idLow: number, count: number, number: number, now: number, ttr: number | undefined): void {
    this.#select(idHigh, idLow, count, number, (held) => {
      held.deadline = now + (ttr ?? held.ttr);
    });
  }

  /** A consumer has seen this message, and what came before it. */
  seen(taker: Taker, idHigh: number, idLow: number, number: number): void {
    const isSeen = (held: Held): boolean =>
      held.number < number ||
      (held.number === number && (held.idHigh < idHigh || (held.idHigh === idHigh && held.idLow <= idLow)));
    this.#endWhere((held) => held.taker === taker && isSeen(held), "acked");
  }

  /** The leases of what lies ahead of a consumer begin anew. Those of the rest do as well here: they end late rather than early. */
  renew(taker: Taker, now: number): void {
    for (const held of [...this.#held.values()].flat()) if (held.taker === taker) held.deadline = now + held.ttr;
  }

  /** What consumers hold comes back. */
  leave(takers: ReadonlySet<Taker>): void {
    if (this.#size === 0) return;
    this.#endWhere(({ taker }) => !taker.isPop && takers.has(taker), "connection closed");
  }

  /** Ends those whose lease has ended. */
  sweep(now: number): void {
    this.#endWhere(({ deadline }) => deadline + GRACE < now, "expired");
  }

  #select(
    idHigh: number,
    idLow: number,
    count: number,
    number: number,
    onSelected: (held: Held, selected: number) => void,
  ): void {
    const candidates = number === 0 ? [...this.#held.values()].flat() : [...(this.#held.get(number) ?? [])];
    for (const held of candidates) {
      if (held.idHigh !== idHigh) continue;
      const from = Math.max(held.idLow, idLow);
      const to = Math.min(held.idLow + held.count, idLow + count);
      if (to > from) onSelected(held, to - from);
    }
  }

  #endWhere(isOver: (held: Held) => boolean, outcome: Outcome): void {
    for (const others of [...this.#held.values()]) {
      for (const held of others.filter(isOver)) this.#end(held, outcome);
    }
  }

  #end(held: Held, outcome: Outcome): void {
    const others = this.#held.get(held.number) ?? [];
    const at = others.indexOf(held);
    if (at < 0) return;
    others.splice(at, 1);
    if (others.length === 0) this.#held.delete(held.number);
    this.#size--;
    held.taker.held--;
    const attributes: Attributes = { [Attribute.OUTCOME]: outcome };
    const text = FAILURES[outcome];
    held.span.end(attributes, text === undefined ? undefined : { type: outcome.replace(" ", "_"), text });
  }
}
