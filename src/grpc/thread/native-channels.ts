/**
 * The channels of the broker for the gRPC service: native connections over the bridge to the main thread, which say HELLO with the
 * token of the call. One publishes for all clients that show the same; each subscription has one of its own, so that a slow stream
 * holds up none but itself.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Bridge } from "../../bridge/bridge.js";
import { LaneTransport } from "../../bridge/client/lane-transport.js";
import { backoff } from "../../client/base/backoff.js";
import { RingmqError } from "../../client/base/error.js";
import { Client } from "../../client/client.js";
import { MAX_PENDING_BYTES } from "../../client/connect.js";
import type { Connection } from "../../client/connection/connection.js";
import { openConnection } from "../../client/connection/open.js";
import { requestHead } from "../../client/connection/request-head.js";
import type { OpenTransport, TransportEvents } from "../../client/connection/transport.js";
import { MAX_IN_FLIGHT } from "../../protocol/limits.js";
import { Op } from "../../protocol/op.js";
import type { Caller, Channels, Feed, Refusal, SubscribeOptions, SubscriptionStart } from "../channels.js";
import { ChannelFeed, refusalOf } from "./channel-feed.js";
import { SubscribeRequest, subscribeHead } from "./subscribe-request.js";
import { type LaneOpening, writeOpening } from "./thread-messages.js";

/** Stands in errors for the address of a broker that is in this process. */
const ADDRESS = "tcp://127.0.0.1";

const OPTIONS = {
  name: "grpc",
  signal: undefined,
  connectTimeout: Number.POSITIVE_INFINITY,
  maxInFlight: MAX_IN_FLIGHT,
  maxPendingBytes: MAX_PENDING_BYTES,
};

/** Connections that publish: of more the one that was used longest ago is ended. */
const MAX_PUBLISHERS = 256;

const ignore = (): void => {};

/** Of the answers to publishes nothing is put aside. */
const NONE = (): number => 0;

/** Before a channel is asked for again. Milliseconds. */
const FIRST_WAIT = 20;
const MAX_WAIT = 1_000;

const refused = (error: unknown): Refusal => {
  if (error instanceof RingmqError) return refusalOf(error);
  throw error;
};

export class NativeChannels implements Channels {
  readonly #bridge: Bridge;
  /** Those that publish, by their tokens; undefined: without one. The one used last is the last. */
  readonly #publishers = new Map<string | undefined, Promise<Client>>();

  constructor(bridge: Bridge) {
    this.#bridge = bridge;
  }

  async publish(
    channel: string,
    payload: Uint8Array,
    key: string | undefined,
    caller: Caller,
  ): Promise<Refusal | undefined> {
    try {
      const client = await this.#publisherOf(caller);
      await client.publishToChannel(channel, payload, key === undefined ? undefined : { key });
      return undefined;
    } catch (error) {
      return refused(error);
    }
  }

  async subscribe(channel: string, options: SubscribeOptions, caller: Caller): Promise<Feed | Refusal> {
    let connection: Connection | undefined;
    let transport: LaneTransport | undefined;
    const feed = new ChannelFeed({
      settle: (bytes) => transport?.settle(bytes),
      leave: () => transport?.destroy(),
      interrupted: (error) => {
        if (connection !== undefined) void resume(connection, channel, options, feed, error);
      },
    });
    const open = this.#opener({ kind: "stream", address: caller.address }, () => feed.kept);
    try {
      connection = await openConnection(ADDRESS, { ...OPTIONS, token: caller.token }, async (...given) => {
        transport = open(given[1]);
        return transport;
      });
      connection.channels = feed;
      await begin(connection, channel, options, feed, (start) => feed.begin(start));
      return feed;
    } catch (error) {
      feed.close();
      return refused(error);
    }
  }

  #opener(opening: LaneOpening, kept: () => number): (events: TransportEvents) => LaneTransport {
    return (events) => new LaneTransport(this.#bridge.open(writeOpening(opening)), events, kept);
  }

  #publisherOf(caller: Caller): Promise<Client> {
    const { token } = caller;
    const publisher = this.#publishers.get(token) ?? this.#openPublisher(caller);
    this.#publishers.delete(token);
    this.#publishers.set(token, publisher);
    if (this.#publishers.size > MAX_PUBLISHERS) this.#endOldest();
    return publisher;
  }

  #openPublisher({ address, token }: Caller): Promise<Client> {
    const open = this.#opener({ kind: "publisher", address }, NONE);
    const opened: OpenTransport = async (_address, events) => open(events);
    const publisher = openConnection(ADDRESS, { ...OPTIONS, token }, opened).then(
      (connection) => new Client(connection),
    );
    const forget = (): void => {
      if (this.#publishers.get(token) === publisher) this.#publishers.delete(token);
    };
    publisher.then((client) => client.closed.then(forget), forget);
    return publisher;
  }

  /** What it was asked for is answered first. */
  #endOldest(): void {
    for (const [token, publisher] of this.#publishers) {
      this.#publishers.delete(token);
      publisher.then((client) => client.drain(), ignore);
      return;
    }
  }
}

/** Resolves when the subscription stands. Rejects when the broker refuses. */
const begin = async (
  connection: Connection,
  channel: string,
  options: SubscribeOptions,
  feed: ChannelFeed,
  begun: (start: SubscriptionStart) => void,
): Promise<void> => {
  const pending = new SubscribeRequest(begun);
  feed.request = connection.control(Op.SUBSCRIBE, requestHead(subscribeHead(channel, options)), pending);
  await pending.promise;
};

/**
 * Has a subscription go on behind what has come, as often as it takes. Where the channel's positions have begun anew, it
 * ends instead with what has interrupted it, so that its client asks again and is told; unless the client is one of
 * memmq's, which would not ask again and goes by no positions.
 */
const resume = async (
  connection: Connection,
  channel: string,
  options: SubscribeOptions,
  feed: ChannelFeed,
  reason: RingmqError,
): Promise<void> => {
  const isTold = Object.keys(options).length > 0;
  const begun = (start: SubscriptionStart): void => {
    if (isTold && start.recovered !== true) feed.refused(reason);
    else feed.begin(start);
  };
  const { overflow } = options;
  for (let attempt = 0; !feed.isOver; attempt++) {
    try {
      const again = { ...(overflow !== undefined && { overflow }), ...feed.place };
      return await begin(connection, channel, again, feed, begun);
    } catch (error) {
      if (!(error instanceof RingmqError) || !error.retryable)
        return feed.refused(error instanceof RingmqError ? error : reason);
      await delay(backoff(attempt, FIRST_WAIT, MAX_WAIT), undefined, { ref: false });
    }
  }
};
