/**
 * Requests that are answered by MESSAGES: POP, POP_DEAD and BROWSE.
 */
import { Patience, PromisedRequest } from "../connection/pending-request.js";
import type { Message } from "./message.js";
import { readDeliveredRuns } from "./run-reader.js";
import type { Settler } from "./settler.js";
import { StoredMessage, storedMessages } from "./stored-message.js";

/** POP and POP_DEAD: the messages are delivered. */
export class PopRequest extends PromisedRequest<Message[]> {
  readonly #settler: Settler;

  constructor(settler: Settler) {
    super();
    this.#settler = settler;
  }

  /** Nobody would settle messages that come too late. */
  override get patience(): Patience {
    return Patience.UNTIL_SENT;
  }

  override messages(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    const messages: Message[] = [];
    for (const reader of readDeliveredRuns(bytes, view, start, end, this.#settler)) {
      while (reader.left > 0) messages.push(reader.next());
    }
    this.resolve(messages);
  }
}

/** BROWSE: the messages are only shown. */
export class BrowseRequest extends PromisedRequest<StoredMessage[]> {
  override messages(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    this.resolve(storedMessages(bytes, view, start, end, (run, index, at) => new StoredMessage(run, index, at)));
  }
}
