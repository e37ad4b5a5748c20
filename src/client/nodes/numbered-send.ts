/**
 * Sends a message, or a batch, from node to node until one has taken it, under such a number at each that it is stored there
 * once.
 */

import type { RingmqError } from "../base/error.js";
import type { Client } from "../client.js";
import type { Send } from "./retry-queue.js";

export interface Attempts<T> {
  /** Sends it under this number, of the first if there are several. */
  readonly send: (client: Client, sequence: number) => Promise<T>;
  /** A new number. */
  readonly take: () => number;
  /** Whether nothing of what was sent last has been taken, for certain. */
  readonly isUntaken: (error: RingmqError) => boolean;
}

/**
 * A node that may have taken it is sent the same number again. For all others it is numbered anew each time: a node that took
 * newer messages meanwhile may have forgotten about the old number, and would refuse it (SEQUENCE_FORGOTTEN).
 */
export class NumberedSend<T> {
  readonly #attempts: Attempts<T>;
  /** The numbers under which nodes may have taken it, by the ids of the nodes. */
  readonly #open = new Map<number, number>();

  constructor(attempts: Attempts<T>) {
    this.#attempts = attempts;
  }

  /** It was sent to a node under this number, and failed. */
  failed(node: number, sequence: number, error: RingmqError): void {
    if (!this.#attempts.isUntaken(error)) this.#open.set(node, sequence);
  }

  readonly send: Send<T> = async (client) => {
    const { nodeId } = client.info;
    const sequence = this.#open.get(nodeId) ?? this.#attempts.take();
    try {
      return await this.#attempts.send(client, sequence);
    } catch (error) {
      this.failed(nodeId, sequence, error as RingmqError);
      throw error;
    }
  };
}
