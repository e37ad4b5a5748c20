/**
 * A message as the page lists it.
 */
import type { MessageState, StoredMessage } from "ringmq/client";

/** A message, and where it is. */
export interface ListedMessage {
  readonly message: StoredMessage;
  readonly queue: string;
  readonly state: MessageState;
}
