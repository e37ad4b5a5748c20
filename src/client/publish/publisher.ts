/**
 * Publishes messages one by one. Those of one turn of the event loop to the same topic with the same options are written
 * into one frame. A topic has one open frame: a message with other options ends it, so that messages to a topic arrive in
 * the order of the calls.
 */
import { appendEntry } from "../../protocol/entry.js";
import { insertKey, KEYS_BYTES } from "../../protocol/keys.js";
import { ONE_BY_ONE, Op } from "../../protocol/op.js";
import { asBadArgument } from "../arguments/argument-checks.js";
import { encodeKey, keyWindowOf } from "../arguments/message-key.js";
import { OPTIONS, readOptions, readPublish } from "../arguments/option-reader.js";
import type { Body, ChannelPublishOptions, PublishOptions } from "../arguments/options.js";
import type { PublishChecks } from "../arguments/publish-checks.js";
import type { RingmqError } from "../base/error.js";
import type { Batcher } from "../connection/batcher.js";
import type { Chunk } from "../connection/chunk.js";
import type { Connection } from "../connection/connection.js";
import type { PublishHead } from "../connection/dated-frame.js";
import type { PendingRequest } from "../connection/pending-request.js";
import { requestHead } from "../connection/request-head.js";
import { encodeHeaders, MESSAGE_COST, readContent } from "./message-encoding.js";
import { appendNumbers, type Numbering } from "./numbering.js";
import { ChannelBatch, PublishBatch } from "./publish-batch.js";
import type { ChannelReceipt, Receipt } from "./receipt.js";
import type { TopicNumbers } from "./topic-numbers.js";

/** A frame of this size is ended: a larger one makes messages no cheaper, and the broker can begin. */
const BATCH_BYTES = 48 * 1024;

/** From this size on, a few messages fill a frame, and it is allocated whole at once. */
const LARGE_MESSAGE = 1024;

/** Open frames at a time, to topics and to channels each. */
const MAX_OPEN = 64;

/** Topics that a broker is told of at the end. */
const MAX_TOLD = 1000;

/** Heads kept for reuse. */
const MAX_HEADS = 1024;

const NO_OPTIONS: PublishOptions = {};
const NO_CHANNEL_OPTIONS: ChannelPublishOptions = {};

const NO_KEYS = new Uint8Array(KEYS_BYTES);

const BODY = (): string => "body";

/** A frame to which messages may still be added. */
interface OpenFrame<B> {
  /** The topic or the channel. */
  readonly name: string;
  readonly batch: B;
  /** Where its messages are written. */
  readonly chunk: Chunk;
  /** Where its payload begins, and in it the keys of its messages, if they have some. */
  readonly start: number;
  keysAt: number;
}

export class Publisher implements Batcher {
  readonly #connection: Connection;
  readonly #checks: PublishChecks;
  readonly #numbering: Numbering | undefined;
  /** Those of the broker that the last frame was begun for. */
  #maxMessageBytes = 0;
  #batchBytes = 0;
  /** The heads of publishes without options, by topic and by channel. */
  readonly #heads = { topic: new Map<string, Uint8Array>(), channel: new Map<string, Uint8Array>() };
  /** The open frames, by topic and by channel. */
  readonly #toTopics = new Map<string, OpenFrame<PublishBatch>>();
  readonly #toChannels = new Map<string, OpenFrame<ChannelBatch>>();
  /** The frame of the last publish. */
  #last: OpenFrame<PublishBatch> | undefined;

  /** `numbering`: messages to topics are numbered. */
  constructor(connection: Connection, checks: PublishChecks, numbering?: Numbering) {
    this.#connection = connection;
    this.#checks = checks;
    this.#numbering = numbering;
    this.#readLimits();
  }

  publish(topic: string, body: Body, options: PublishOptions = NO_OPTIONS): Promise<Receipt> {
    try {
      // Options and headers first: reading them may run code of the program, which may publish as well.
      return this.write(topic, body, options === NO_OPTIONS ? options : readPublish(options)).add();
    } catch (error) {
      return Promise.reject(asBadArgument(error));
    }
  }

  /**
   * Writes a message to a topic into a frame, with options that were read. The caller adds it to the frame's batch at once.
   * `known`: its number, if it has one already. Throws BAD_ARGUMENT, or as `Connection.begin` does.
   */
  write(topic: string, body: Body, options: PublishOptions, known?: number): PublishBatch {
    const { routeKey, delay, ttl } = options;
    const headers = encodeHeaders(options.headers);
    const content = readContent(BODY, body, headers, this.#maxMessageBytes);
    const key = options.key === undefined ? undefined : encodeKey("key", options.key);
    const keyWindow = keyWindowOf(options, key);
    const bytes = headers.length + content.length + (key === undefined ? 0 : 1 + key.length);
    const numbers = this.#numbering?.of(topic);
    const sequence = known ?? numbers?.take();
    let frame = this.#last?.name === topic ? this.#last : this.#toTopics.get(topic);
    if (frame?.batch.accepts(routeKey, delay, ttl, keyWindow, sequence) === true && this.#fits(frame, bytes)) {
      this.#write(frame, headers, content, bytes);
    } else {
      // Only here are options checked: those that match an open frame's have been checked before.
      const head = this.#topicHead(topic, options, keyWindow);
      if (sequence !== undefined) numbers?.hold(sequence);
      try {
        const batch = this.#batch(topic, options, keyWindow, sequence, numbers);
        frame = this.#begin(Op.PUBLISH, topic, head, batch, bytes);
        if (sequence !== undefined) appendNumbers(frame.chunk, sequence, numbers?.answered ?? 0);
        frame.keysAt = frame.chunk.end;
        if (key !== undefined) frame.chunk.append(NO_KEYS);
        this.#write(frame, headers, content, bytes);
        this.#place(this.#toTopics, frame);
      } catch (error) {
        if (sequence !== undefined) numbers?.release(sequence);
        throw error;
      }
    }
    if (key !== undefined) insertKey(frame.chunk, frame.keysAt, key);
    this.#last = frame;
    return frame.batch;
  }

  publishToChannel(
    channel: string,
    body: Body,
    options: ChannelPublishOptions = NO_CHANNEL_OPTIONS,
  ): Promise<ChannelReceipt> {
    try {
      const read = options === NO_CHANNEL_OPTIONS ? options : readOptions(options, OPTIONS.publishToChannel);
      const headers = encodeHeaders(read.headers);
      const content = readContent(BODY, body, headers, this.#maxMessageBytes);
      const bytes = headers.length + content.length;
      let frame = this.#toChannels.get(channel);
      if (frame !== undefined && frame.batch.key === read.key && this.#fits(frame, bytes)) {
        this.#write(frame, headers, content, bytes);
      } else {
        const head = this.#channelHead(channel, read.key);
        frame = this.#begin(Op.PUBLISH_CHANNEL, channel, head, new ChannelBatch(read.key), bytes);
        this.#write(frame, headers, content, bytes);
        this.#place(this.#toChannels, frame);
      }
      return frame.batch.add();
    } catch (error) {
      return Promise.reject(asBadArgument(error));
    }
  }

  /**
   * The connection is about to be closed. The broker is told of what has been answered, so that it forgets this producer: not
   * if there was another connection, because what was sent on that may come to the broker yet, and would be published again.
   */
  leave(): void {
    if (this.#numbering === undefined || this.#numbering.wasCutOff) return;
    const { producer } = this.#numbering;
    let told = 0;
    for (const [topic, below] of this.#numbering.answered()) {
      if (++told > MAX_TOLD) return;
      this.#connection.notify(Op.ANSWERED, requestHead([topic, producer, below]));
    }
  }

  seal(): void {
    this.#last = undefined;
    for (const { chunk, batch } of this.#toTopics.values()) this.#connection.attach(chunk, batch);
    this.#toTopics.clear();
    for (const { chunk, batch } of this.#toChannels.values()) this.#connection.attach(chunk, batch);
    this.#toChannels.clear();
  }

  /** What is written is for whichever connection comes. */
  lost(): void {
    if (this.#numbering !== undefined) this.#numbering.wasCutOff = true;
  }

  fail(error: RingmqError): void {
    this.lost();
    this.#last = undefined;
    for (const { batch } of this.#toTopics.values()) batch.failed(error);
    this.#toTopics.clear();
    for (const { batch } of this.#toChannels.values()) batch.failed(error);
    this.#toChannels.clear();
  }

  #readLimits(): void {
    const { maxMessageBytes, maxFrameBytes } = this.#connection.info.limits;
    this.#maxMessageBytes = maxMessageBytes;
    // `bytes` in `#fits` counts a character as one byte, but it may take three: an eighth of the limit leaves room for that.
    this.#batchBytes = Math.min(BATCH_BYTES, Math.floor(maxFrameBytes / 8));
  }

  #batch(
    topic: string,
    { routeKey, delay, ttl }: PublishOptions,
    keyWindow: number | undefined,
    sequence: number | undefined,
    numbers: TopicNumbers | undefined,
  ): PublishBatch {
    const batch = new PublishBatch(routeKey, delay, ttl, keyWindow, sequence, numbers);
    if (sequence !== undefined && (delay !== undefined || ttl !== undefined)) {
      const head: PublishHead = [topic, routeKey, delay, ttl, this.#numbering?.producer, keyWindow];
      batch.dated = { head, since: this.#connection.clock.now() };
    }
    return batch;
  }

  /** Begins a frame whose first message has this many bytes. It is open after `#place`. */
  #begin<B extends PendingRequest>(op: number, name: string, head: Uint8Array, batch: B, bytes: number): OpenFrame<B> {
    this.#readLimits();
    // Each call of the program has its own outcome.
    const chunk = this.#connection.begin(op, head, op === Op.PUBLISH ? ONE_BY_ONE : 0);
    if (bytes > LARGE_MESSAGE) chunk.reserve(this.#batchBytes + bytes);
    return { name, batch, chunk, start: chunk.end, keysAt: 0 };
  }

  /** Writes a message into a frame. If it throws, the frame is as before. */
  #write({ batch, chunk }: OpenFrame<PendingRequest>, headers: Uint8Array, content: Body, bytes: number): void {
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

  /** Opens a frame that has its first message, and ends the one that was open for its name. */
  #place<B extends PendingRequest>(open: Map<string, OpenFrame<B>>, frame: OpenFrame<B>): void {
    const before = open.get(frame.name);
    if (before !== undefined) this.#connection.attach(before.chunk, before.batch);
    else if (open.size >= MAX_OPEN) this.seal();
    // Ending a frame may have ended the connection, which would not know of this one.
    this.#connection.assertOpen();
    open.set(frame.name, frame);
    this.#connection.schedule();
  }

  /** Whether a frame has room for another message of this many bytes. */
  #fits({ batch, chunk, start }: OpenFrame<{ readonly count: number }>, bytes: number): boolean {
    return batch.count < this.#connection.info.limits.maxBatchMessages && chunk.end - start + bytes <= this.#batchBytes;
  }

  #topicHead(topic: string, options: PublishOptions, keyWindow: number | undefined): Uint8Array {
    const { routeKey, delay, ttl } = options;
    const producer = this.#numbering?.producer;
    if (routeKey === undefined && delay === undefined && ttl === undefined && keyWindow === undefined)
      return this.#nameHead("topic", topic, producer);
    this.#checks.publish(topic, options);
    return requestHead([topic, routeKey, delay, ttl, producer, keyWindow]);
  }

  #channelHead(channel: string, key: string | undefined): Uint8Array {
    if (key === undefined) return this.#nameHead("channel", channel);
    this.#checks.name("channel", channel);
    this.#checks.key("key", key);
    return requestHead([channel, key]);
  }

  /** The head that has only a name, and of a topic the producer if there is one. */
  #nameHead(what: "topic" | "channel", name: string, producer?: string): Uint8Array {
    const heads = this.#heads[what];
    let head = heads.get(name);
    if (head === undefined) {
      this.#checks.name(what, name);
      head = requestHead([name, undefined, undefined, undefined, producer]);
      if (heads.size === MAX_HEADS) heads.clear();
      heads.set(name, head);
    }
    return head;
  }
}
