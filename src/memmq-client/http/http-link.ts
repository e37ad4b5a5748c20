/** A server over HTTP and WebSocket. */
import type { Server } from "../../servers/server.js";
import type { Carrier, CarrierEvents, Feed, FeedEvents, FeedRequest, Link, LinkOptions } from "../link.js";
import { HttpCarrier } from "./http-carrier.js";
import { HttpTarget } from "./http-target.js";
import { WebSocketFeed } from "./web-socket-feed.js";

/** Enough to hide a round trip, and little enough that what must be sent again after a loss is little too. */
const WINDOW = { publishes: 256, bytes: 1024 * 1024 };

export class HttpLink implements Link {
  readonly window = WINDOW;
  readonly #target: HttpTarget;

  constructor(server: Server, options: LinkOptions) {
    this.#target = new HttpTarget(server, options);
  }

  /** One connection keeps the order of all topics. */
  laneOf(): string {
    return "";
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
