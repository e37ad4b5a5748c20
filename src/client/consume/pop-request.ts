/**
 * Requests that are answered by MESSAGES.
 */

import { PromisedExchange } from "../connection/pending-request.js";
import { type Message, type StoredMessage, storedMessages } from "./message.js";
import { readDeliveries } from "./message-buffer.js";
import type { Settler } from "./settler.js";

/** POP, POP_DEAD: the messages are handed over. */
export class PopExchange extends PromisedExchange<Message[]> {
  readonly #settler: Settler;

  constructor(settler: Settler) {
    super();
    this.#settler = settler;
  }

  override messages(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    const messages: Message[] = [];
    for (const reader of readDeliveries(bytes, view, start, end, this.#settler)) {
      while (reader.left > 0) messages.push(reader.next());
    }
    this.resolve(messages);
  }
}

/** BROWSE: the messages are shown. */
export class BrowseExchange extends PromisedExchange<StoredMessage[]> {
  override messages(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    this.resolve(storedMessages(bytes, view, start, end));
  }
}
