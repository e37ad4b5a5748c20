/**
 * `/pub` as a WebSocket: each message, text or binary, is published, in order. Those that are read together leave together,
 * as one batch. A publish that is refused closes the WebSocket, and the code and reason tell why: there are no answers.
 *
 * What is on its way is limited. What comes beyond that waits here, and the WebSocket is not read; where it has to be, since
 * uWebSockets.js cannot be kept from reading, it is closed when too much waits: of its own, or of all connections together.
 */
import { Fifo } from "../../../../collections/fifo.js";
import type { WaitingInput } from "../../../native/waiting-input.js";
import type { Carried, WebSocketClient, WebSocketCodec } from "../../../ports/http/carried.js";
import type { ChannelClient, Refusal } from "../channels.js";
import { closeCode, closeReason } from "./answer.js";
import type { BatchOwner, PubBatch } from "./pub-batch.js";
import type { PublishQuery } from "./query.js";

/** Bytes that may be on their way, unless it is a single larger message. */
const WINDOW = 4 * 1024 * 1024;

/** Batches of the same: a publisher with little to say at a time has many. */
const MAX_BATCHES = 1_024;

/** Bytes that may wait, of one publisher. */
const MAX_WAITING = 16 * 1024 * 1024;

const TOO_FAST: Refusal = {
  kind: "BUSY",
  text: "messages come faster than they can be published; send more slowly, or publish with POST, which is answered",
};

const TOO_MANY: Refusal = {
  kind: "BUSY",
  text: "too much input of all connections together waits to be published; try again later",
};

/** What all publishers share. */
export interface PubContext {
  /** Counts what waits, with that of other connections. */
  readonly waiting: WaitingInput;
  readonly batch: PubBatch;
  /** The largest message, in bytes. */
  readonly maxMessageBytes: number;
}

export class PubSocket implements WebSocketCodec, BatchOwner, Carried {
  readonly carried: Carried = this;
  readonly #client: WebSocketClient;
  readonly #channels: ChannelClient;
  readonly #query: PublishQuery;
  readonly #batch: PubBatch;
  readonly #budget: WaitingInput;
  readonly #window: number;
  readonly #maxWaiting: number;
  /** Entries that are not published yet, and their bytes. */
  readonly #waiting = new Fifo<Uint8Array>();
  #waitingBytes = 0;
  /** Bytes and batches that are published and not confirmed. */
  #unconfirmed = 0;
  #batches = 0;
  #isInTurn = false;
  #isPaused = false;
  /** Its client has gone, or it was refused something. */
  #isOver = false;

  constructor(context: PubContext, query: PublishQuery, client: WebSocketClient, channels: ChannelClient) {
    this.#client = client;
    this.#channels = channels;
    this.#query = query;
    this.#batch = context.batch;
    this.#budget = context.waiting;
    this.#window = Math.min(WINDOW, context.maxMessageBytes);
    this.#maxWaiting = Math.max(MAX_WAITING, 2 * context.maxMessageBytes);
  }

  message(bytes: Uint8Array): void {
    this.#batch.add(this, bytes);
    if (this.#isInTurn) return;
    this.#isInTurn = true;
    this.#channels.atTurnEnd(this.#onTurnEnd);
  }

  // BatchOwner

  publish(entries: Uint8Array): void {
    if (this.#isOver) return;
    if (this.#waitingBytes === 0 && this.#fits(entries.length)) return this.#send(entries);
    if (this.#waitingBytes + entries.length > this.#maxWaiting) return this.#fail(TOO_FAST);
    if (!this.#client.canPause && this.#isCrowded) return this.#fail(TOO_MANY);
    this.#waiting.push(entries.slice());
    this.#waitingBytes += entries.length;
    this.#budget.add(entries.length);
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#client.pause();
  }

  // Carried

  heard(): void {
    this.#channels.heard();
  }

  unsent(): void {
    this.#channels.unsent();
  }

  drained(): void {
    this.#channels.drained();
  }

  /** What came before the end is published; called again, what is left of it is dropped. */
  closed(): void {
    this.#batch.flush();
    const mayWait = !this.#isOver && this.#waitingBytes > 0;
    this.#isOver = true;
    if (mayWait) return;
    this.#forgetWaiting();
    this.#channels.closed();
  }

  readonly #onTurnEnd = (): void => {
    this.#isInTurn = false;
    this.#batch.flush();
  };

  /** Past half of the budget of all only who has nothing waiting may wait: what is small still gets through. */
  get #isCrowded(): boolean {
    return this.#waitingBytes > 0 ? this.#budget.isShort : this.#budget.isSpent;
  }

  #fits(bytes: number): boolean {
    if (this.#batches === 0) return true;
    return this.#unconfirmed + bytes <= this.#window && this.#batches < MAX_BATCHES;
  }

  #send(entries: Uint8Array): void {
    const { length } = entries;
    const { topic, key } = this.#query;
    this.#unconfirmed += length;
    this.#batches++;
    this.#channels.publish(topic, key, entries, (refusal) => this.#published(length, refusal));
  }

  #published(bytes: number, refusal: Refusal | undefined): void {
    this.#unconfirmed -= bytes;
    this.#batches--;
    if (refusal !== undefined) return this.#fail(refusal);
    for (let next = this.#waiting.at(0); next !== undefined && this.#fits(next.length); next = this.#waiting.at(0)) {
      this.#waiting.shift();
      this.#waitingBytes -= next.length;
      this.#budget.remove(next.length);
      this.#send(next);
    }
    if (this.#waitingBytes > 0) return;
    if (this.#isOver) return this.#channels.closed();
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#client.resume();
  }

  #forgetWaiting(): void {
    for (const { length } of this.#waiting) this.#budget.remove(length);
    this.#waiting.clear();
    this.#waitingBytes = 0;
  }

  #fail(refusal: Refusal): void {
    this.#forgetWaiting();
    const isGone = this.#isOver;
    this.#isOver = true;
    if (isGone) this.#channels.closed();
    else this.#client.close(closeCode(refusal), closeReason(refusal));
  }
}
