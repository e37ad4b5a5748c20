/**
 * The channels of the broker for the gRPC service: native connections over the bridge to the main thread. One publishes for
 * all clients; each subscription has one of its own, so that a slow stream holds up none but itself.
 */
import type { Bridge } from "../../bridge/bridge.js";
import { LaneTransport } from "../../bridge/client/lane-transport.js";
import { RingmqError } from "../../client/base/error.js";
import { Client } from "../../client/client.js";
import { MAX_PENDING_BYTES } from "../../client/connect.js";
import type { Connection } from "../../client/connection/connection.js";
import { openConnection } from "../../client/connection/open.js";
import { requestHead } from "../../client/connection/request-head.js";
import type { OpenTransport, TransportEvents } from "../../client/connection/transport.js";
import { MAX_IN_FLIGHT } from "../../protocol/limits.js";
import { Op } from "../../protocol/op.js";
import type { Channels, Feed, Refusal, SubscribeOptions } from "../channels.js";
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

/** Of the answers to publishes nothing is put aside. */
const NONE = (): number => 0;

const refused = (error: unknown): Refusal => {
  if (error instanceof RingmqError) return refusalOf(error);
  throw error;
};

export class NativeChannels implements Channels {
  readonly #bridge: Bridge;
  /** Undefined: nobody has published yet, or the connection has ended. */
  #publisher: Promise<Client> | undefined;

  constructor(bridge: Bridge) {
    this.#bridge = bridge;
  }

  async publish(channel: string, payload: Uint8Array, key: string | undefined): Promise<Refusal | undefined> {
    try {
      this.#publisher ??= this.#openPublisher();
      const client = await this.#publisher;
      await client.publishToChannel(channel, payload, key === undefined ? undefined : { key });
      return undefined;
    } catch (error) {
      return refused(error);
    }
  }

  async subscribe(channel: string, options: SubscribeOptions, client: string): Promise<Feed | Refusal> {
    let connection: Connection | undefined;
    let transport: LaneTransport | undefined;
    const feed = new ChannelFeed(
      (bytes) => transport?.settle(bytes),
      () => transport?.destroy(),
    );
    const open = this.#opener({ kind: "stream", address: client }, () => feed.kept);
    try {
      connection = await openConnection(ADDRESS, OPTIONS, async (...given) => {
        transport = open(given[1]);
        return transport;
      });
      connection.channels = feed;
      const pending = new SubscribeRequest();
      feed.request = connection.request(Op.SUBSCRIBE, requestHead(subscribeHead(channel, options)), pending);
      feed.start = await pending.promise;
      return feed;
    } catch (error) {
      feed.close();
      return refused(error);
    }
  }

  #opener(opening: LaneOpening, kept: () => number): (events: TransportEvents) => LaneTransport {
    return (events) => new LaneTransport(this.#bridge.open(writeOpening(opening)), events, kept);
  }

  #openPublisher(): Promise<Client> {
    const open = this.#opener({ kind: "publisher" }, NONE);
    const opened: OpenTransport = async (_address, events) => open(events);
    const publisher = openConnection(ADDRESS, OPTIONS, opened).then((connection) => new Client(connection));
    const forget = (): void => {
      if (this.#publisher === publisher) this.#publisher = undefined;
    };
    publisher.then((client) => client.closed.then(forget), forget);
    return publisher;
  }
}
