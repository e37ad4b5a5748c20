/** CONSUME, CREDIT, SEEN and STOP: the life of a consumer, as its client directs it. */
import { ProtocolError } from "../../protocol/errors.js";
import { Durability } from "../../protocol/op.js";
import type { Consume, Credit, Seen, Stop } from "../command.js";
import type { Store } from "../messages/store.js";
import type { Steps } from "../steps.js";
import type { Directory } from "../topics/directory.js";
import type { Connections } from "./connections.js";
import type { Consumer } from "./consumer.js";
import { ackSeen, releaseAhead, renewAhead } from "./progress.js";

/** The most credit that a consumer can add up. */
const MAX_CREDIT = 0xffff_ffff;

export class ConsumerCommands {
  constructor(
    readonly store: Store,
    readonly directory: Directory,
    readonly connections: Connections,
  ) {}

  /** Throws what `Directory.use`, `Directory.queue` and `Connections.add` throw. */
  consume(c: Consume): void {
    const { directory, connections, store } = this;
    if (connections.find(c.connection)?.consumers.has(c.request)) {
      store.effects.close(c.connection, "DUPLICATE_REQUEST", `request ${c.request} is that of a consumer`);
      return;
    }
    const queue = directory.queue(directory.use(c.topic, store.now, c.connection), c.queue);
    const { autoAck, ttr } = queue.topic.config;
    const { credit, renew, reports = false } = c;
    const terms = { credit, renew, reports, acksSeen: reports && autoAck, ttr, popBytes: 0 };
    const consumer = connections.add(connections.use(c.connection), c.request, queue, terms);
    // It makes no record: what holds nothing is not kept.
    if (reports) store.effects.result(c.connection, c.request, { now: store.now, ttr, autoAck });
    else store.effects.confirm(c.connection, c.request, 1, 0, 0, 0, Durability.memory);
    consumer.peers.offer(consumer);
  }

  credit(c: Credit): void {
    const consumer = this.connections.find(c.connection)?.consumers.get(c.consumer);
    // Not an error: a CREDIT may cross a CONSUMER_CLOSED.
    if (consumer === undefined) return;
    consumer.credit = Math.max(-MAX_CREDIT, Math.min(consumer.credit + c.credit, MAX_CREDIT));
    if (consumer.credit > 0) consumer.peers.offer(consumer);
    else consumer.peers.leave(consumer);
  }

  /** Notes how far a program has come. False: `seen` does the rest. */
  see(c: Seen): boolean {
    const consumer = this.#reporting(c);
    if (consumer === undefined) return true;
    if (c.delivery !== 0) consumer.see(c.delivery, c.idLow);
    return !consumer.acksSeen && !(c.renews && !consumer.isRenewed(this.store.now));
  }

  /** Acks what the program was handed, with auto-ack, and renews the leases of what lies ahead, if it is asked to. */
  *seen(c: Seen): Steps {
    const { store } = this;
    const { renews } = c;
    const consumer = this.#reporting(c);
    if (consumer === undefined) return;
    const { now } = store;
    if (consumer.acksSeen) while (ackSeen(consumer, store.stepExtents) === store.stepExtents) yield;
    if (!renews || consumer.isRenewed(now)) return;
    yield* renewAhead(consumer, consumer.renewed(now));
  }

  /** Throws NO_CONSUMER. */
  *stop(c: Stop): Steps<Stop> {
    const { store, connections } = this;
    const { connection, request } = c;
    const consumer = connections.find(connection)?.consumers.get(c.consumer);
    if (consumer === undefined) {
      throw new ProtocolError("NO_CONSUMER", `the connection has no consumer ${c.consumer}`);
    }
    connections.stop(consumer);
    let released = 0;
    for (let isOver = c.givesBack !== true; !isOver; ) {
      const { heldCount } = consumer;
      isOver = releaseAhead(consumer, store.now, store.stepExtents) < store.stepExtents;
      released += heldCount - consumer.heldCount;
      if (!isOver) yield;
    }
    // Some of them may have expired; otherwise there is no record.
    const level = released > 0 ? consumer.queue.topic.level : Durability.memory;
    store.effects.confirm(connection, request, 1, 0, 0, released, level, true);
  }

  /** The consumer that a SEEN is about, unless that is gone. */
  #reporting(c: Seen): Consumer | undefined {
    const consumer = this.connections.find(c.connection)?.consumerOf(c.consumer);
    return consumer?.reports === true ? consumer : undefined;
  }
}
