/**
 * A Sub: hands the messages of a feed to its stream, no faster than HTTP/2 takes them. What the client has not taken waits
 * in the feed, for which the broker has bounds.
 */
import type { ServerWritableStream } from "@grpc/grpc-js";
import { Fifo } from "../collections/fifo.js";
import type { ChannelMessage, Feed, Refusal } from "./channels.js";
import type { SubRequest, SubResponse } from "./definition.js";
import { statusOf } from "./status.js";

/** Bytes that may be handed to a stream and not taken by HTTP/2; a message more whatever its size. */
const MAX_PENDING_BYTES = 64 * 1024;

/** What a message counts beside its bytes. */
const MESSAGE_BYTES = 64;

/** How long a client may take to read the rest of a stream that has ended. Milliseconds. */
const LINGER = 10_000;

export interface StreamEvents {
  /** So many messages will not come. */
  lost(count: number): void;
  /** The stream has ended long ago, and its client does not read it. */
  stuck(): void;
}

const NO_ID = "";

export class SubStream {
  readonly #call: ServerWritableStream<SubRequest, SubResponse>;
  readonly #feed: Feed;
  readonly #events: StreamEvents;
  #linger: NodeJS.Timeout | undefined;
  /** The size of each message that is handed over and not taken, oldest first. */
  readonly #sizes = new Fifo<number>();
  #pending = 0;
  #isOver = false;

  constructor(call: ServerWritableStream<SubRequest, SubResponse>, feed: Feed, events: StreamEvents) {
    this.#call = call;
    this.#feed = feed;
    this.#events = events;
    feed.onReady = () => this.#pump();
  }

  start(): void {
    this.#pump();
  }

  /** The client has gone: frees the feed. */
  cancel(): void {
    clearTimeout(this.#linger);
    if (this.#isOver) return;
    this.#isOver = true;
    this.#feed.close();
  }

  #pump(): void {
    if (this.#isOver) return;
    while (this.#pending <= MAX_PENDING_BYTES) {
      const message = this.#feed.take();
      if (message === undefined) break;
      this.#write(message);
    }
    if (this.#feed.end !== undefined) this.#finish(this.#feed.end);
  }

  #write({ payload, position, id, lost, size }: ChannelMessage): void {
    if (lost > 0) this.#events.lost(lost);
    this.#pending += size + MESSAGE_BYTES;
    this.#sizes.push(size);
    this.#call.write({ payload, position: position ?? 0, id: id ?? NO_ID, lost }, this.#taken);
  }

  /** HTTP/2 has taken the oldest message. */
  readonly #taken = (): void => {
    const size = this.#sizes.shift() ?? 0;
    this.#pending -= size + MESSAGE_BYTES;
    this.#feed.done(size);
    if (this.#pending <= MAX_PENDING_BYTES / 2) this.#pump();
  };

  /** Behind what is handed over already. */
  #finish(end: Refusal): void {
    this.#isOver = true;
    this.#feed.close();
    this.#call.once("finish", () => clearTimeout(this.#linger));
    this.#linger = setTimeout(() => this.#events.stuck(), LINGER);
    this.#linger.unref();
    this.#call.emit("error", statusOf(end));
  }
}
