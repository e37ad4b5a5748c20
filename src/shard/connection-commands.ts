/** What concerns a connection as a whole, its consumers, pops and subscriptions: HOLD, UNHOLD and its end. */
import type { Channels } from "./channels/channels.js";
import type { Connections } from "./consumers/connections.js";
import type { Dispatcher } from "./consumers/dispatcher.js";
import { takeBack } from "./consumers/progress.js";
import * as ext from "./messages/extent.js";
import type { Store } from "./messages/store.js";
import { CONSUMER_EXTENTS, type Steps } from "./steps.js";

export class ConnectionCommands {
  constructor(
    readonly store: Store,
    readonly connections: Connections,
    readonly dispatcher: Dispatcher,
    readonly channels: Channels,
  ) {}

  /** The connection's outgoing buffer is full: it is sent nothing it did not ask for. */
  hold(number: number): void {
    const connection = this.connections.use(number);
    connection.isOnHold = true;
    for (const consumer of connection.consumers.values()) consumer.peers.leave(consumer);
    for (const consumer of connection.waitingPops) consumer.peers.leave(consumer);
    this.channels.hold(connection);
  }

  /** The connection can be sent messages again. */
  unhold(number: number): void {
    const connection = this.connections.find(number);
    if (connection === undefined || connection.isGone) return;
    connection.isOnHold = false;
    this.channels.unhold(connection);
    for (const consumer of connection.consumers.values()) consumer.peers.offer(consumer);
    for (const consumer of connection.waitingPops) consumer.peers.offer(consumer);
    this.connections.tidy(connection);
  }

  /**
   * The connection is gone: it is sent nothing more, and what it had here is ended in steps. `unfinished`: what is left
   * of its last command and must be finished.
   */
  *disconnect(number: number, unfinished: Steps | undefined): Steps {
    const { store, connections } = this;
    if (unfinished !== undefined) yield* unfinished;
    connections.forget(number);
    const connection = connections.find(number);
    if (connection === undefined) return;
    connection.isGone = true;
    connection.isOnHold = true;
    for (const consumer of connection.consumers.values()) consumer.peers.leave(consumer);
    for (const consumer of connection.waitingPops) consumer.peers.leave(consumer);
    this.dispatcher.forget(connection);
    let left = store.stepExtents;
    const isOver = (cost: number): boolean => {
      left -= cost;
      if (left > 0) return false;
      left = store.stepExtents;
      return true;
    };
    for (const channel of connection.channels) {
      this.channels.leave(connection, channel);
      if (isOver(CONSUMER_EXTENTS)) yield;
    }
    for (const consumer of connection.waitingPops) {
      this.dispatcher.endPop(consumer);
      if (isOver(CONSUMER_EXTENTS)) yield;
    }
    for (const consumer of connection.consumers.values()) {
      connections.stop(consumer);
      if (isOver(CONSUMER_EXTENTS)) yield;
    }
    for (const consumer of connection.stopped) {
      while (consumer.held.head !== ext.NONE) {
        if (isOver(takeBack(consumer, store.now, left))) yield;
      }
    }
    connection.isOnHold = false;
    connections.tidy(connection);
  }
}
