/** A server over gRPC. */
import type { ClientReadableStream, Metadata, ServiceError } from "@grpc/grpc-js";
import { startTimer, type Timer } from "../../client/base/timer.js";
import type { SubResponse } from "../../grpc/definition.js";
import { crc32 } from "../../servers/crc32.js";
import type { Server } from "../../servers/server.js";
import { connectionClosed } from "../failure.js";
import type { Carrier, CarrierEvents, Feed, FeedEvents, FeedRequest, FeedStart, Link, LinkOptions } from "../link.js";
import type { GrpcChannel } from "./grpc-channel.js";

/** One at a time: nothing keeps calls that are under way together in order. */
const WINDOW = { publishes: 1, bytes: 0 };

/** Calls under way at once; topics share them, by a checksum of their names. */
const LANES = 64;

/** How long a server has to say that a call stands: memmq's own do not say it before the first message. Milliseconds. */
const PATIENCE = 250;

const UNKNOWN: FeedStart = { epoch: undefined, position: undefined, recovered: undefined, lost: undefined };

const encoder = new TextEncoder();

export class GrpcLink implements Link {
  readonly window = WINDOW;
  readonly #server: Server;
  readonly #options: LinkOptions;
  #channel: Promise<GrpcChannel> | undefined;

  constructor(server: Server, options: LinkOptions) {
    this.#server = server;
    this.#options = options;
  }

  laneOf(topic: string): number {
    return crc32(encoder.encode(topic)) % LANES;
  }

  carrier({ answered }: CarrierEvents): Carrier {
    let isClosed = false;
    let cancel = (): void => {};
    return {
      send: (publish) =>
        void this.#open().then((channel) => {
          if (isClosed) return;
          cancel = channel.publish(publish, (refusal) => {
            if (!isClosed) answered(refusal);
          });
        }),
      close: () => {
        isClosed = true;
        cancel();
      },
    };
  }

  feed(request: FeedRequest, events: FeedEvents): Feed {
    const feed = new GrpcFeed(this.#server.url, events);
    void this.#open().then((channel) => feed.begin(channel, request));
    return feed;
  }

  close(): void {
    void this.#channel?.then((channel) => channel.close());
  }

  #open(): Promise<GrpcChannel> {
    this.#channel ??= import("./grpc-channel.js").then((loaded) => new loaded.GrpcChannel(this.#server, this.#options));
    return this.#channel;
  }
}

class GrpcFeed implements Feed {
  readonly #url: string;
  readonly #events: FeedEvents;
  #stream: ClientReadableStream<SubResponse> | undefined;
  #isPaused = false;
  #isOver = false;
  #hasBegun = false;
  #timer: Timer | undefined;
  /** The server numbers its messages. */
  #isNumbered = false;

  constructor(url: string, events: FeedEvents) {
    this.#url = url;
    this.#events = events;
  }

  begin(channel: GrpcChannel, request: FeedRequest): void {
    if (this.#isOver) return;
    channel.whenConnected((error) => {
      if (this.#isOver) return;
      if (error !== undefined) {
        this.close();
        return this.#events.ended(error);
      }
      const stream = channel.subscribe(request);
      this.#stream = stream;
      stream.on("metadata", (metadata) => this.#begun(metadata));
      stream.on("data", (response: SubResponse) => this.#received(response));
      stream.on("error", (failure) => {
        // Of a call that was cancelled here too.
        if (this.#isOver) return;
        this.#isOver = true;
        this.#timer?.cancel();
        this.#events.ended(channel.explain(failure as ServiceError));
      });
      stream.on("end", () => {
        if (this.#isOver) return;
        this.close();
        this.#events.ended(connectionClosed(this.#url, "the server has ended the call"));
      });
      if (this.#isPaused) stream.pause();
      this.#timer = startTimer(PATIENCE, () => {
        if (!this.#hasBegun) this.#events.begun(UNKNOWN);
      });
    });
  }

  pause(): void {
    this.#isPaused = true;
    this.#stream?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#stream?.resume();
  }

  close(): void {
    this.#isOver = true;
    this.#timer?.cancel();
    this.#stream?.cancel();
  }

  #begun(metadata: Metadata): void {
    if (this.#isOver) return;
    this.#hasBegun = true;
    const start = startOf(metadata);
    this.#isNumbered = start.epoch !== undefined;
    this.#events.begun(start);
  }

  #received({ payload, position, id, lost }: SubResponse): void {
    if (this.#isOver) return;
    if (lost > 0) this.#events.lost(lost);
    this.#events.message({
      payload,
      position: this.#isNumbered ? position : undefined,
      id: id === "" ? undefined : id,
    });
  }
}

/** memmq's own servers say nothing. */
const startOf = (metadata: Metadata): FeedStart => {
  const text = (name: string): string | undefined => metadata.get(`ringmq-${name}`).at(-1)?.toString();
  const count = (name: string): number | undefined => {
    const value = text(name);
    return value !== undefined && /^\d{1,16}$/.test(value) ? Number(value) : undefined;
  };
  const recovered = text("recovered");
  return {
    epoch: text("epoch"),
    position: count("position"),
    recovered: recovered === undefined ? undefined : recovered === "true",
    lost: count("lost"),
  };
};
