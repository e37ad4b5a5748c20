/**
 * The channels of a shard by name: each exists as long as somebody is subscribed to it.
 */
import { ProtocolError } from "../../protocol/errors.js";
import { Durability } from "../../protocol/op.js";
import type { PublishChannel, Subscribe, Unsubscribe } from "../command.js";
import type { Connections } from "../consumers/connections.js";
import type { ConnectionEntry } from "../consumers/consumer.js";
import type { Store } from "../messages/store.js";
import { Channel } from "./channel.js";

/** The most that a turn sends out of backlogs. */
const TURN_BYTES = 1024 * 1024;

export class Channels {
  readonly #channels = new Map<string, Channel>();
  /** Connections that were held, with the channels in which they are still behind. */
  readonly #catchingUp = new Map<ConnectionEntry, string[]>();
  /** Memory that all backlogs take. */
  #bytes = 0;

  constructor(
    readonly store: Store,
    readonly connections: Connections,
    readonly maxChannels: number,
  ) {}

  get bytes(): number {
    return this.#bytes;
  }

  /** Throws TOO_MANY_TOPICS, TOO_MANY_CONSUMERS. */
  subscribe(c: Subscribe): void {
    let channel = this.#channels.get(c.channel);
    if (channel === undefined && this.#channels.size >= this.maxChannels) {
      throw new ProtocolError("TOO_MANY_TOPICS", `the shard has its maximum of ${this.maxChannels} channels`);
    }
    const connection = this.connections.use(c.connection);
    if (!connection.channels.has(c.channel)) this.connections.admit(connection);
    channel ??= new Channel(c.channel, this.store.effects);
    this.#channels.set(c.channel, channel);
    channel.subscribe(connection, c.overflow === "disconnect");
    connection.channels.add(c.channel);
    this.store.effects.confirm(c.connection, c.request, 1, 0, 0, channel.size, Durability.memory);
  }

  /** Throws NOT_SUBSCRIBED. */
  unsubscribe(c: Unsubscribe): void {
    const connection = this.connections.find(c.connection);
    if (connection === undefined || !connection.channels.has(c.channel)) {
      throw new ProtocolError("NOT_SUBSCRIBED", `the connection has no subscription to channel ${c.channel}`);
    }
    this.leave(connection, c.channel);
    this.connections.tidy(connection);
    this.store.effects.confirm(c.connection, c.request, 1, 0, 0, 0, Durability.memory);
  }

  /** `memory`: bytes that backlogs may take in all. */
  publish(c: PublishChannel, memory: number): void {
    const channel = this.#channels.get(c.channel);
    const receivers = channel?.size ?? 0;
    if (channel !== undefined) {
      const before = channel.bytes;
      const dropped = channel.publish(c.bytes, c.start, c.end, c.count, memory - this.#bytes + before);
      this.#bytes += channel.bytes - before;
      for (const connection of dropped) {
        this.leave(connection, c.channel);
        this.connections.tidy(connection);
        this.store.effects.close(
          connection.number,
          "SLOW_SUBSCRIBER",
          `channel ${c.channel}: the subscriber fell behind; read faster or subscribe with overflow drop-oldest`,
        );
      }
    }
    this.store.effects.confirm(c.connection, c.request, 1, 0, 0, receivers, Durability.memory);
  }

  hold(connection: ConnectionEntry): void {
    for (const name of connection.channels) this.#channel(name).hold(connection.number);
  }

  /** A connection can take messages again: the next turns send it what it has missed. */
  release(connection: ConnectionEntry): void {
    if (connection.channels.size > 0) this.#catchingUp.set(connection, [...connection.channels]);
  }

  /** Sends what connections have missed, a bounded amount. Answers true when there is more to send at once. */
  turn(): boolean {
    let sent = 0;
    for (const [connection, names] of this.#catchingUp) {
      while (!connection.isOnHold && names.length > 0) {
        if (sent >= TURN_BYTES) return true;
        sent += this.#catchUp(connection.number, names.pop() ?? "");
      }
      this.#catchingUp.delete(connection);
    }
    return false;
  }

  /** Ends a subscription. */
  leave(connection: ConnectionEntry, name: string): void {
    const channel = this.#channel(name);
    const before = channel.bytes;
    channel.unsubscribe(connection.number);
    connection.channels.delete(name);
    this.#bytes += channel.bytes - before;
    this.connections.dismiss();
    if (channel.size === 0) this.#channels.delete(name);
  }

  /** A connection is gone: it is not sent what it has missed. */
  forget(connection: ConnectionEntry): void {
    this.#catchingUp.delete(connection);
  }

  invariants(): void {
    let bytes = 0;
    for (const channel of this.#channels.values()) {
      channel.invariants();
      bytes += channel.bytes;
      if (channel.size === 0) throw new Error(`channel ${channel.name} exists without subscribers`);
    }
    if (bytes !== this.#bytes) throw new Error(`channels: backlogs take ${bytes} bytes, ${this.#bytes} are counted`);
  }

  #catchUp(connection: number, name: string): number {
    const channel = this.#channels.get(name);
    if (channel === undefined) return 0;
    const before = channel.bytes;
    const sent = channel.catchUp(connection);
    this.#bytes += channel.bytes - before;
    return sent;
  }

  #channel(name: string): Channel {
    const channel = this.#channels.get(name);
    if (channel === undefined) throw new Error(`channel ${name} is subscribed to and does not exist`);
    return channel;
  }
}
