/**
 * Publishing. Messages of one turn of the event loop that go to the same place the same way are written straight into
 * one growing frame, in the order of the calls: a call that goes elsewhere ends the frame.
 */
import { appendEntry, HEADERS_LENGTH_BYTES, WORD_BYTES } from "../protocol/entry.js";
import { FrameWriter, HEAD, MIN_LENGTH } from "../protocol/frame.js";
import { NO_HEAD } from "../protocol/head.js";
import { packHeaders } from "../protocol/headers.js";
import { Op } from "../protocol/op.js";
import type { Connection, Gatherer } from "./connection.js";
import { unobserved } from "./deferred.js";
import { localError } from "./error.js";
import { type Exchange, PromisedExchange } from "./exchange.js";
import type { Body, ChannelPublishOptions, PublishOptions } from "./options.js";
import { ChannelBatch, PublishBatch } from "./publish-batch.js";
import { BatchReceipt, type ChannelReceipt, type IdRange, type Receipt } from "./receipt.js";
import { requestHead } from "./request-head.js";

/** A frame with this much in it is ended: a larger one would not make a message cheaper, and the broker can begin. */
const BATCH_BYTES = 48 * 1024;

/** What a message holds of the allowance beside its bytes: its promise, and its receipt later. */
const MESSAGE_COST = 128;

/** Heads kept for topics and channels that are published to without options. */
const MAX_HEADS = 1024;

const NO_OPTIONS: PublishOptions = {};
const encoder = new TextEncoder();

/** The confirmation of a frame that one `publishBatch` wrote. */
class WholeBatch extends PromisedExchange<IdRange & { readonly durability: number }> {
  override confirmed(high: number, low: number, count: number, durability: number): void {
    this.resolve({ high, low, count, durability });
  }
}

export class Publisher implements Gatherer {
  readonly #connection: Connection;
  readonly #batchBytes: number;
  /** The heads of names that are published to without options. */
  readonly #heads = new Map<string, Uint8Array>();
  /** The frame that grows, if there is one: at most one of the two. */
  #toTopic: PublishBatch | undefined;
  #toChannel: ChannelBatch | undefined;
  /** Where it is written, and where its payload began. */
  #writer = new FrameWriter(HEAD);
  #start = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
    // A character takes up to three bytes more than it is counted for: the frame must hold them.
    this.#batchBytes = Math.min(BATCH_BYTES, Math.floor(connection.info.limits.maxFrameBytes / 8));
  }

  publish(topic: string, body: Body, options: PublishOptions = NO_OPTIONS): Promise<Receipt> {
    try {
      const { routeKey, delay, ttl } = options;
      const headers = options.headers === undefined ? NO_HEAD : packHeaders(options.headers);
      const content = this.#checked(body, headers);
      const cost = headers.length + content.length + MESSAGE_COST;
      let batch = this.#toTopic;
      if (
        batch === undefined ||
        batch.topic !== topic ||
        batch.routeKey !== routeKey ||
        batch.delay !== delay ||
        batch.ttl !== ttl ||
        !this.#fits(cost, batch.count)
      ) {
        const head = this.#head(topic, routeKey, delay, ttl);
        batch = new PublishBatch(topic, routeKey, delay, ttl);
        this.#begin(Op.PUBLISH, head, batch, cost);
        this.#toTopic = batch;
      } else {
        this.#connection.allowance.take(cost);
        batch.held += cost;
      }
      appendEntry(this.#writer, headers, content);
      return batch.add();
    } catch (error) {
      return Promise.reject(error);
    }
  }

  publishToChannel(channel: string, body: Body, options: ChannelPublishOptions = NO_OPTIONS): Promise<ChannelReceipt> {
    try {
      const headers = options.headers === undefined ? NO_HEAD : packHeaders(options.headers);
      const content = this.#checked(body, headers);
      const cost = headers.length + content.length + MESSAGE_COST;
      let batch = this.#toChannel;
      if (batch === undefined || batch.channel !== channel || !this.#fits(cost, batch.count)) {
        const head = this.#head(channel);
        batch = new ChannelBatch(channel);
        this.#begin(Op.PUBLISH_CHANNEL, head, batch, cost);
        this.#toChannel = batch;
      } else {
        this.#connection.allowance.take(cost);
        batch.held += cost;
      }
      appendEntry(this.#writer, headers, content);
      return batch.add();
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async publishBatch(topic: string, bodies: readonly Body[], options: PublishOptions): Promise<BatchReceipt> {
    const { maxFrameBytes, maxBatchMessages } = this.#connection.info.limits;
    const head = requestHead([topic, options.routeKey, options.delay, options.ttl]);
    const headers = options.headers === undefined ? NO_HEAD : packHeaders(options.headers);
    const contents = bodies.map((body) =>
      this.#checked(typeof body === "string" ? encoder.encode(body) : body, headers),
    );
    const overhead = WORD_BYTES + (headers.length > 0 ? HEADERS_LENGTH_BYTES + headers.length : 0);
    const frames: WholeBatch[] = [];
    for (let at = 0; at < contents.length; ) {
      if (at > 0) await this.#connection.allowance.ready();
      let bytes = MIN_LENGTH + head.length;
      let end = at;
      while (end < contents.length && end - at < maxBatchMessages) {
        const size = overhead + (contents[end]?.length ?? 0);
        if (end > at && bytes + size > maxFrameBytes) break;
        bytes += size;
        end++;
      }
      const frame = new WholeBatch();
      unobserved(frame.promise);
      this.#begin(Op.PUBLISH, head, frame, bytes + MESSAGE_COST);
      for (const content of contents.slice(at, end)) appendEntry(this.#writer, headers, content);
      this.#connection.finish();
      frames.push(frame);
      at = end;
    }
    const confirmed = await Promise.all(frames.map((frame) => frame.promise));
    return new BatchReceipt(confirmed, Math.min(...confirmed.map(({ durability }) => durability)));
  }

  seal(): void {
    if (this.#toTopic === undefined && this.#toChannel === undefined) return;
    this.#toTopic = undefined;
    this.#toChannel = undefined;
    this.#connection.finish();
  }

  fail(): void {
    this.#toTopic = undefined;
    this.#toChannel = undefined;
  }

  /** Begins a frame for messages that cost so much. Throws before anything is written. */
  #begin(op: number, head: Uint8Array, exchange: Exchange, cost: number): void {
    this.#connection.assertOpen();
    this.#connection.allowance.take(cost);
    exchange.held = cost;
    this.#writer = this.#connection.grow(this, op, head, exchange);
    this.#start = this.#writer.end;
  }

  /** Whether another message belongs into the frame that grows. */
  #fits(cost: number, count: number): boolean {
    return (
      count < this.#connection.info.limits.maxBatchMessages &&
      this.#writer.end - this.#start + cost - MESSAGE_COST <= this.#batchBytes
    );
  }

  /** The body, as text only where its size is within the limit for certain. Throws MESSAGE_TOO_LARGE. */
  #checked(body: Body, headers: Uint8Array): Body {
    const limit = this.#connection.info.limits.maxMessageBytes - HEADERS_LENGTH_BYTES - headers.length;
    if ((typeof body === "string" ? body.length * 3 : body.length) <= limit) return body;
    const bytes = typeof body === "string" ? encoder.encode(body) : body;
    if (!(bytes instanceof Uint8Array)) throw new TypeError("a body is a Uint8Array or a string");
    const size = bytes.length + (headers.length > 0 ? HEADERS_LENGTH_BYTES + headers.length : 0);
    if (size > this.#connection.info.limits.maxMessageBytes) {
      throw localError("MESSAGE_TOO_LARGE", `the message has ${size} bytes`);
    }
    return bytes;
  }

  #head(name: string, routeKey?: string, delay?: number, ttl?: number): Uint8Array {
    if (routeKey !== undefined || delay !== undefined || ttl !== undefined) {
      return requestHead([name, routeKey, delay, ttl]);
    }
    let head = this.#heads.get(name);
    if (head === undefined) {
      head = requestHead([name]);
      if (this.#heads.size === MAX_HEADS) this.#heads.clear();
      this.#heads.set(name, head);
    }
    return head;
  }
}
