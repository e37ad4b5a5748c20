/** A server over HTTP and WebSocket. */
import { crc32 } from "../../servers/crc32.js";
import type { Server } from "../../servers/server.js";
import type { Carrier, CarrierEvents, Feed, FeedEvents, FeedRequest, Link, LinkOptions } from "../link.js";
import { HttpCarrier } from "./http-carrier.js";
import { HttpTarget } from "./http-target.js";
import { WebSocketFeed } from "./web-socket-feed.js";

/** As `HttpCarrier` says. */
const WINDOW = { publishes: 1, bytes: 0 };

/** Connections for publishes at most. Topics share them, by a checksum of their names. */
const LANES = 8;

const encoder = new TextEncoder();

export class HttpLink implements Link {
  readonly window = WINDOW;
  readonly #target: HttpTarget;

  constructor(server: Server, options: LinkOptions) {
    this.#target = new HttpTarget(server, options);
  }

  laneOf(topic: string): number {
    return crc32(encoder.encode(topic)) % LANES;
  }

  carrier(events: CarrierEvents): Carrier {
    return new HttpCarrier(this.#target, events);
  }

  feed(request: FeedRequest, events: FeedEvents): Feed {
    return new WebSocketFeed(this.#target, request, events);
  }

  /** Carriers and feeds have connections of their own. */
  close(): void {}
}
