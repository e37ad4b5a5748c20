/**
 * A Sub: hands the messages of a feed to its stream, no faster than HTTP/2 takes them. What the client has not taken waits
 * in the feed, for which the broker has bounds.
 */
import type { ServerWritableStream } from "@grpc/grpc-js";
import type { ChannelMessage, Feed } from "./channels.js";
import type { SubRequest, SubResponse } from "./definition.js";
import { statusOf } from "./status.js";

/** Bytes that may be handed to a stream and not taken by HTTP/2; a message more whatever its size. */
const MAX_PENDING_BYTES = 64 * 1024;

/** What a message counts beside its payload. */
const MESSAGE_BYTES = 64;

const NO_ID = "";

export class SubStream {
  readonly #call: ServerWritableStream<SubRequest, SubResponse>;
  readonly #feed: Feed;
  readonly #lost: (count: number) => void;
  /** The size of each message that is handed over and not taken, oldest first: a ring that begins at #first. */
  #sizes: number[] = [];
  #first = 0;
  #pending = 0;
  #isOver = false;

  /** `lost` is told of messages that will not come. */
  constructor(call: ServerWritableStream<SubRequest, SubResponse>, feed: Feed, lost: (count: number) => void) {
    this.#call = call;
    this.#feed = feed;
    this.#lost = lost;
    feed.onReady = () => this.#pump();
  }

  start(): void {
    this.#pump();
  }

  /** The client has gone: frees the feed. */
  cancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#feed.close();
  }

  #pump(): void {
    if (this.#isOver) return;
    while (this.#pending <= MAX_PENDING_BYTES) {
      const message = this.#feed.take();
      if (message === undefined) return this.#finish();
      this.#write(message);
    }
  }

  #write({ payload, position, id, lost }: ChannelMessage): void {
    if (lost > 0) this.#lost(lost);
    const size = payload.length + MESSAGE_BYTES;
    this.#pending += size;
    this.#sizes.push(size);
    this.#call.write({ payload, position: position ?? 0, id: id ?? NO_ID, lost }, this.#taken);
  }

  /** HTTP/2 has taken the oldest message. */
  readonly #taken = (): void => {
    this.#pending -= this.#sizes[this.#first] ?? 0;
    this.#first++;
    if (this.#first === this.#sizes.length) {
      this.#sizes = [];
      this.#first = 0;
    }
    if (this.#pending <= MAX_PENDING_BYTES / 2) this.#pump();
  };

  #finish(): void {
    const { end } = this.#feed;
    if (end === undefined) return;
    this.#isOver = true;
    this.#feed.close();
    this.#call.emit("error", statusOf(end));
  }
}
