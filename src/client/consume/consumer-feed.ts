/**
 * The messages of a consumer on their way from the connection to the program.
 */
import { ProtocolError } from "../../protocol/errors.js";
import type { RingmqError } from "../base/error.js";
import type { ConsumerSink } from "../connection/sinks.js";
import { compactCopy } from "../messages/compact-copy.js";
import { FeedState } from "../messages/feed-state.js";
import type { Message } from "./message.js";
import { MessageBuffer } from "./message-buffer.js";
import { type RunReader, readDeliveredRuns } from "./run-reader.js";
import { SelectionList } from "./selection-list.js";
import type { Settler } from "./settler.js";

export class ConsumerFeed implements ConsumerSink {
  readonly #settler: Settler;
  readonly #prefetch: number;
  readonly #buffer = new MessageBuffer();
  readonly #state = new FeedState();
  /** Only used on topics that ack by themselves: messages that may still come. */
  #credit: number;
  #lapsed = 0;
  /** The program has asked for its end: that has no other reason then. */
  isDraining = false;

  constructor(settler: Settler, prefetch: number) {
    this.#settler = settler;
    this.#prefetch = prefetch;
    this.#credit = prefetch;
  }

  /** Resolves when nothing more will come. */
  get closed(): Promise<RingmqError | undefined> {
    return this.#state.closed;
  }

  get isOver(): boolean {
    return this.#state.isOver;
  }

  /** Messages in it. */
  get size(): number {
    return this.#buffer.size;
  }

  /** Messages that it has dropped because their leases had ended. */
  get lapsed(): number {
    return this.#lapsed;
  }

  messages(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    const copy = compactCopy(bytes, start, end, this.#buffer.runs);
    const readers =
      copy === undefined
        ? readDeliveredRuns(bytes, view, start, end, this.#settler)
        : readDeliveredRuns(copy, new DataView(copy.buffer), 0, copy.length, this.#settler);
    for (const reader of readers) {
      if (reader.run.isAcked) {
        this.#credit -= reader.left;
        if (this.#credit < 0) throw new ProtocolError("BAD_FRAME", "more messages came than there was credit for");
      }
      this.#buffer.push(reader);
    }
    // They were on their way when it was left.
    if (this.#state.isOver) this.#giveBack();
    // The broker counts at most a prefetch of messages as held by this consumer. If more are buffered, the leases of the
    // oldest have ended and somebody else gets them. Without this, a program that does not read would buffer them all.
    this.#lapsed += this.#buffer.dropLapsed(this.#prefetch);
    this.#state.wakeUp();
  }

  /** Nothing more will come, and what was leased is not this program's any longer. */
  ended(error: RingmqError | undefined): void {
    this.#buffer.dropLeased();
    this.end(error);
  }

  /** Nothing more will come. What is buffered can still be read. */
  end(error: RingmqError | undefined): void {
    this.#state.end(this.isDraining ? undefined : error);
  }

  /** Nothing more is handed out: what is buffered, and what still comes, is given back. */
  leave(error: RingmqError | undefined): void {
    this.#giveBack();
    this.end(error);
  }

  /** The broker was told that it may send so many messages more. */
  addCredit(messages: number): void {
    this.#credit += messages;
  }

  /** The next message, or undefined when none is buffered. */
  shift(): Message | undefined {
    return this.#buffer.shift();
  }

  /** Removes and returns everything that is buffered. */
  takeAll(): RunReader[] {
    return this.#buffer.takeAll();
  }

  /** Resolves with true when there are messages, with false at the end. Rejects once with the reason of the end. */
  async available(): Promise<boolean> {
    while (this.#buffer.size === 0) if (!(await this.#state.wait())) return false;
    return true;
  }

  /** Gives back what is buffered. What cannot be given back, of a topic that acks by itself, can still be read. */
  #giveBack(): void {
    const unread = this.#buffer.takeAll();
    const leased = new SelectionList();
    for (const reader of unread) {
      if (reader.run.isAcked) this.#buffer.push(reader);
      else reader.select(leased);
    }
    this.#settler.release(leased);
  }
}
