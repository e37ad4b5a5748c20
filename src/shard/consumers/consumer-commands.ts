/** CONSUME, CREDIT and STOP: the life of a consumer, as its client directs it. */
import { ProtocolError } from "../../protocol/errors.js";
import { Durability } from "../../protocol/op.js";
import type { Consume, Credit, Stop } from "../command.js";
import type { Store } from "../messages/store.js";
import type { Directory } from "../topics/directory.js";
import type { Connections } from "./connections.js";

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
    const terms = { credit: c.credit, renew: c.renew, popBytes: 0 };
    const consumer = connections.add(connections.use(c.connection), c.request, queue, terms);
    // It makes no record: what holds nothing is not kept.
    store.effects.confirm(c.connection, c.request, 1, 0, 0, 0, Durability.memory);
    consumer.peers.offer(consumer);
  }

  credit(c: Credit): void {
    const consumer = this.connections.find(c.connection)?.consumers.get(c.consumer);
    // Not an error: a CREDIT may cross a CONSUMER_CLOSED.
    if (consumer === undefined) return;
    consumer.credit = Math.min(consumer.credit + c.credit, MAX_CREDIT);
    consumer.peers.offer(consumer);
  }

  /** Throws NO_CONSUMER. */
  stop(c: Stop): void {
    const consumer = this.connections.find(c.connection)?.consumers.get(c.consumer);
    if (consumer === undefined) {
      throw new ProtocolError("NO_CONSUMER", `the connection has no consumer ${c.consumer}`);
    }
    this.connections.stop(consumer);
    this.store.effects.confirm(c.connection, c.request, 1, 0, 0, 0, Durability.memory);
  }
}
