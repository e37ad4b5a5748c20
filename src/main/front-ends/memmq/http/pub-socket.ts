/**
 * `/pub` as a WebSocket: each message, text or binary, is published, in order. Those that are read together leave together,
 * as one batch. A publish that is refused closes the WebSocket, and the code and reason tell why: there are no answers.
 */
import { copyBytes } from "../../../../channel/copy-bytes.js";
import { WORD_BYTES } from "../../../../protocol/entry.js";
import { MAX_BATCH_MESSAGES } from "../../../../protocol/limits.js";
import type { WebSocketClient, WebSocketCodec } from "../../../ports/http/carried.js";
import type { ChannelClient, Channels, Refusal } from "../channels.js";
import { closeCode, closeReason } from "./answer.js";
import type { PublishQuery } from "./query.js";

/** What is gathered, of one publisher after another. */
const BATCH_BYTES = 64 * 1024;

/** Bytes of messages that are not confirmed; a publisher with more is not read, where that can be done. */
const MAX_UNCONFIRMED = 4 * 1024 * 1024;

/** Messages of one turn, gathered for one publisher at a time: it is emptied before another's are put in. */
export class PubBatch {
  readonly #bytes = Buffer.allocUnsafeSlow(BATCH_BYTES);
  readonly #view = new DataView(this.#bytes.buffer);
  #owner: PubSocket | undefined;
  #end = 0;
  #messages = 0;

  add(owner: PubSocket, message: Uint8Array): void {
    const { length } = message;
    if (
      this.#owner !== owner ||
      this.#messages === MAX_BATCH_MESSAGES ||
      length > BATCH_BYTES - WORD_BYTES - this.#end
    ) {
      this.flush();
      this.#owner = owner;
    }
    if (length > BATCH_BYTES - WORD_BYTES) return owner.publish(entryOf(message));
    this.#view.setUint32(this.#end, length);
    copyBytes(this.#bytes, this.#end + WORD_BYTES, message, 0, length);
    this.#end += WORD_BYTES + length;
    this.#messages++;
  }

  flush(): void {
    const owner = this.#owner;
    const end = this.#end;
    this.#owner = undefined;
    this.#end = 0;
    this.#messages = 0;
    if (end > 0) owner?.publish(this.#bytes.subarray(0, end));
  }
}

const entryOf = (message: Uint8Array): Uint8Array => {
  const entry = Buffer.allocUnsafe(WORD_BYTES + message.length);
  entry.writeUInt32BE(message.length, 0);
  entry.set(message, WORD_BYTES);
  return entry;
};

export class PubSocket implements WebSocketCodec {
  readonly carried: ChannelClient;
  readonly #client: WebSocketClient;
  readonly #query: PublishQuery;
  readonly #batch: PubBatch;
  #isInTurn = false;
  #unconfirmed = 0;
  #isPaused = false;

  constructor(channels: Channels, batch: PubBatch, query: PublishQuery, client: WebSocketClient) {
    this.#client = client;
    this.#query = query;
    this.#batch = batch;
    this.carried = channels.open("memmq publisher", client.address, client);
  }

  message(bytes: Uint8Array): void {
    this.#batch.add(this, bytes);
    if (this.#isInTurn) return;
    this.#isInTurn = true;
    this.carried.atTurnEnd(this.#onTurnEnd);
  }

  /** Entries; called by the batch. */
  publish(entries: Uint8Array): void {
    const { length } = entries;
    this.#unconfirmed += length;
    this.carried.publish(this.#query.topic, this.#query.key, entries, (refusal) => this.#published(length, refusal));
    if (this.#unconfirmed > MAX_UNCONFIRMED && !this.#isPaused) {
      this.#isPaused = true;
      this.#client.pause();
    }
  }

  closed(): void {
    // What came before the end is published.
    this.#batch.flush();
  }

  readonly #onTurnEnd = (): void => {
    this.#isInTurn = false;
    this.#batch.flush();
  };

  #published(bytes: number, refusal: Refusal | undefined): void {
    this.#unconfirmed -= bytes;
    if (refusal !== undefined) return this.#client.close(closeCode(refusal), closeReason(refusal));
    if (!this.#isPaused || this.#unconfirmed > MAX_UNCONFIRMED / 2) return;
    this.#isPaused = false;
    this.#client.resume();
  }
}
