/**
 * Publishing. Messages of one turn of the event loop that go to the same topic the same way are written straight into
 * one growing frame. A topic has one such frame: a message with other options ends it, so that what is published to a
 * topic arrives in the order of the calls.
 */
import { appendEntry, HEADERS_LENGTH_BYTES, WORD_BYTES } from "../../protocol/entry.js";
import { ProtocolError } from "../../protocol/errors.js";
import { MIN_LENGTH } from "../../protocol/frame.js";
import { NO_HEAD } from "../../protocol/head.js";
import { type Headers, packHeaders } from "../../protocol/headers.js";
import { Op } from "../../protocol/op.js";
import { asBadArgument, checkObject, readList, reasonOf } from "../arguments/argument-checks.js";
import { OPTIONS, readOptions, readPublish } from "../arguments/option-reader.js";
import type { Body, ChannelPublishOptions, PublishOptions } from "../arguments/options.js";
import type { RequestChecks } from "../arguments/request-checks.js";
import { unobserved } from "../base/deferred.js";
import { localError, type RingmqError } from "../base/error.js";
import type { Batcher } from "../connection/batcher.js";
import type { Chunk } from "../connection/chunk.js";
import type { Connection } from "../connection/connection.js";
import { type PendingRequest, PromisedRequest } from "../connection/pending-request.js";
import { requestHead } from "../connection/request-head.js";
import { checkThere, isBody, readBody } from "./body.js";
import { ChannelBatch, PublishBatch } from "./publish-batch.js";
import { BatchReceipt, type ChannelReceipt, type IdRange, type Receipt } from "./receipt.js";

/** A frame with this much in it is ended: a larger one would not make a message cheaper, and the broker can begin. */
const BATCH_BYTES = 48 * 1024;

/** What a message holds of the allowance beside its bytes: its promise, and its receipt later. */
const MESSAGE_COST = 128;

/** A body of this size makes its frame a full one. */
const LARGE = 1024;

/** Frames that may grow at a time. */
const MAX_GROWING = 64;

/** Heads kept for topics and channels that are published to without options. */
const MAX_HEADS = 1024;

const NO_OPTIONS: PublishOptions = {};
const encoder = new TextEncoder();

const BODY = (): string => "body";

/** Encodes headers, of which there may be none. */
const packed = (headers: unknown): Uint8Array => {
  if (headers === undefined) return NO_HEAD;
  checkObject("headers", headers, "an object of names and values");
  try {
    return packHeaders(headers as Headers);
  } catch (error) {
    // Too much of it or something in it that msgpack has not; or what the program threw when it was read.
    const why = error instanceof ProtocolError ? error.message : reasonOf(error);
    throw localError("BAD_ARGUMENT", `headers must be an object of at most 65,535 bytes as msgpack: ${why}`, error);
  }
};

/** The confirmation of a frame that one `publishBatch` wrote. */
class WholeBatch extends PromisedRequest<IdRange & { readonly durability: number }> {
  override confirmed(high: number, low: number, count: number, durability: number): void {
    this.resolve({ high, low, count, durability });
  }
}

/** A frame that grows: its messages, where they are written, and where its payload begins. */
interface Growing<B> {
  /** Of the topic or the channel. */
  readonly name: string;
  readonly batch: B;
  readonly chunk: Chunk;
  readonly start: number;
}

export class Publisher implements Batcher {
  readonly #connection: Connection;
  readonly #checks: RequestChecks;
  readonly #batchBytes: number;
  /** The heads of names that are published to without options. */
  readonly #heads = new Map<string, Uint8Array>();
  /** The frames that grow, by topic and by channel. */
  readonly #toTopics = new Map<string, Growing<PublishBatch>>();
  readonly #toChannels = new Map<string, Growing<ChannelBatch>>();
  /** The one to which was published last. */
  #last: Growing<PublishBatch> | undefined;

  constructor(connection: Connection, checks: RequestChecks) {
    this.#connection = connection;
    this.#checks = checks;
    // A character takes up to three bytes and is counted as one: the frame must hold them.
    this.#batchBytes = Math.min(BATCH_BYTES, Math.floor(connection.info.limits.maxFrameBytes / 8));
  }

  publish(topic: string, body: Body, options: PublishOptions = NO_OPTIONS): Promise<Receipt> {
    try {
      // All that may call the program comes first: nothing is begun that it could find half done.
      const read = options === NO_OPTIONS ? options : readPublish(options);
      const { routeKey, delay, ttl } = read;
      const headers = packed(read.headers);
      const content = this.#content(BODY, body, headers);
      const bytes = headers.length + content.length;
      let growing = this.#last?.name === topic ? this.#last : this.#toTopics.get(topic);
      if (growing?.batch.has(routeKey, delay, ttl) === true && this.#fits(growing, bytes)) {
        this.#write(growing, headers, content, bytes);
      } else {
        // With options that were checked, or that equal those of the frame that grows.
        const head = this.#topicHead(topic, read);
        growing = this.#begin(Op.PUBLISH, topic, head, new PublishBatch(routeKey, delay, ttl), bytes);
        this.#write(growing, headers, content, bytes);
        this.#place(this.#toTopics, growing);
      }
      this.#last = growing;
      return growing.batch.add();
    } catch (error) {
      return Promise.reject(asBadArgument(error));
    }
  }

  publishToChannel(channel: string, body: Body, options: ChannelPublishOptions = NO_OPTIONS): Promise<ChannelReceipt> {
    try {
      const read = options === NO_OPTIONS ? options : readOptions(options, OPTIONS.publishToChannel);
      const headers = packed(read.headers);
      const content = this.#content(BODY, body, headers);
      const bytes = headers.length + content.length;
      let growing = this.#toChannels.get(channel);
      if (growing !== undefined && this.#fits(growing, bytes)) {
        this.#write(growing, headers, content, bytes);
      } else {
        const head = this.#knownHead("channel", channel);
        growing = this.#begin(Op.PUBLISH_CHANNEL, channel, head, new ChannelBatch(), bytes);
        this.#write(growing, headers, content, bytes);
        this.#place(this.#toChannels, growing);
      }
      return growing.batch.add();
    } catch (error) {
      return Promise.reject(asBadArgument(error));
    }
  }

  async publishBatch(
    topic: string,
    bodies: readonly Body[],
    options: PublishOptions = NO_OPTIONS,
  ): Promise<BatchReceipt> {
    const read = readPublish(options);
    this.#checks.publish(topic, read);
    const list = readList("bodies", bodies, "an array of texts and Uint8Arrays", isBody);
    const { maxFrameBytes, maxBatchMessages } = this.#connection.info.limits;
    const head = requestHead([topic, read.routeKey, read.delay, read.ttl]);
    const headers = packed(read.headers);
    // Once none of the program is called any more, so that what was looked at stays so.
    const contents = list.map((body, i) => {
      const content = this.#content(() => `bodies[${i}]`, body, headers);
      return typeof content === "string" ? encoder.encode(content) : content;
    });
    const overhead = WORD_BYTES + (headers.length > 0 ? HEADERS_LENGTH_BYTES + headers.length : 0);
    const frames: WholeBatch[] = [];
    for (let at = 0; at < contents.length; ) {
      if (at > 0) await this.#connection.pendingBytes.ready();
      let bytes = MIN_LENGTH + head.length;
      const first = at;
      for (; at < contents.length && at - first < maxBatchMessages; at++) {
        const content = contents[at] ?? NO_HEAD;
        // It was there when the batch was handed over, but that is a while ago.
        checkThere(() => `bodies[${at}]`, content);
        const size = overhead + content.length;
        if (at > first && bytes + size > maxFrameBytes) break;
        bytes += size;
      }
      frames.push(this.#send(head, headers, contents.slice(first, at), bytes));
    }
    const confirmed = await Promise.all(frames.map((frame) => frame.promise));
    return new BatchReceipt(confirmed, Math.min(...confirmed.map(({ durability }) => durability)));
  }

  seal(): void {
    this.#last = undefined;
    for (const { chunk, batch } of this.#toTopics.values()) this.#connection.attach(chunk, batch);
    this.#toTopics.clear();
    for (const { chunk, batch } of this.#toChannels.values()) this.#connection.attach(chunk, batch);
    this.#toChannels.clear();
  }

  fail(error: RingmqError): void {
    this.#last = undefined;
    for (const { batch } of this.#toTopics.values()) batch.failed(error);
    this.#toTopics.clear();
    for (const { batch } of this.#toChannels.values()) batch.failed(error);
    this.#toChannels.clear();
  }

  /** Begins a frame for a first message of so many bytes. It grows from when it is placed. */
  #begin<B extends PendingRequest>(op: number, name: string, head: Uint8Array, batch: B, bytes: number): Growing<B> {
    const chunk = this.#connection.begin(op, head);
    // Where a few messages fill the frame it is given its size at once.
    if (bytes > LARGE) chunk.reserve(this.#batchBytes + bytes);
    return { name, batch, chunk, start: chunk.end };
  }

  /** Writes a message into a frame: all of it, or what it throws over leaves no trace. */
  #write({ batch, chunk }: Growing<PendingRequest>, headers: Uint8Array, content: Body, bytes: number): void {
    const cost = bytes + MESSAGE_COST;
    this.#connection.pendingBytes.reserve(cost);
    try {
      appendEntry(chunk, headers, content);
    } catch (error) {
      this.#connection.pendingBytes.release(cost);
      throw asBadArgument(error);
    }
    batch.pendingBytes += cost;
  }

  /** Lets a frame grow that has its first message, and ends the one that grew in its place. */
  #place<B extends PendingRequest>(open: Map<string, Growing<B>>, growing: Growing<B>): void {
    const before = open.get(growing.name);
    if (before !== undefined) this.#connection.attach(before.chunk, before.batch);
    else if (open.size >= MAX_GROWING) this.seal();
    // That may have ended the connection, which nobody would tell this one.
    this.#connection.assertOpen();
    open.set(growing.name, growing);
    this.#connection.schedule();
  }

  /** Sends a frame of several messages by itself. */
  #send(head: Uint8Array, headers: Uint8Array, contents: readonly Uint8Array[], bytes: number): WholeBatch {
    const { pendingBytes } = this.#connection;
    this.#connection.assertOpen();
    const cost = bytes + MESSAGE_COST;
    pendingBytes.reserve(cost);
    let chunk: Chunk;
    try {
      chunk = this.#connection.begin(Op.PUBLISH, head);
      chunk.reserve(bytes);
      for (const content of contents) appendEntry(chunk, headers, content);
      this.#connection.seal();
      this.#connection.assertOpen();
    } catch (error) {
      pendingBytes.release(cost);
      throw asBadArgument(error);
    }
    const frame = new WholeBatch();
    unobserved(frame.promise);
    frame.pendingBytes = cost;
    this.#connection.attach(chunk, frame);
    this.#connection.schedule();
    return frame;
  }

  /** Whether another message of so many bytes belongs into a frame. */
  #fits({ batch, chunk, start }: Growing<{ readonly count: number }>, bytes: number): boolean {
    return batch.count < this.#connection.info.limits.maxBatchMessages && chunk.end - start + bytes <= this.#batchBytes;
  }

  /** The body, as text only where its size is within the limit for certain. Throws BAD_ARGUMENT, MESSAGE_TOO_LARGE. */
  #content(what: () => string, given: unknown, headers: Uint8Array): Body {
    const body = readBody(what, given);
    const limit = this.#connection.info.limits.maxMessageBytes - HEADERS_LENGTH_BYTES - headers.length;
    if ((typeof body === "string" ? body.length * 3 : body.length) <= limit) return body;
    const bytes = typeof body === "string" ? encoder.encode(body) : body;
    const size = bytes.length + (headers.length > 0 ? HEADERS_LENGTH_BYTES + headers.length : 0);
    if (size > this.#connection.info.limits.maxMessageBytes) {
      throw localError("MESSAGE_TOO_LARGE", `the message has ${size} bytes`);
    }
    return bytes;
  }

  #topicHead(topic: string, options: PublishOptions): Uint8Array {
    const { routeKey, delay, ttl } = options;
    if (routeKey === undefined && delay === undefined && ttl === undefined) return this.#knownHead("topic", topic);
    this.#checks.publish(topic, options);
    return requestHead([topic, routeKey, delay, ttl]);
  }

  /** The head that is a name alone. */
  #knownHead(what: string, name: string): Uint8Array {
    let head = this.#heads.get(name);
    if (head === undefined) {
      this.#checks.name(what, name);
      head = requestHead([name]);
      if (this.#heads.size === MAX_HEADS) this.#heads.clear();
      this.#heads.set(name, head);
    }
    return head;
  }
}
