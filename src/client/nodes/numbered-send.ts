/**
 * Sends a message, or a batch, from node to node until one has taken it, under such a number at each that it is stored there
 * once.
 */

import type { RingmqError } from "../base/error.js";
import type { Client } from "../client.js";
import type { TopicNumbers } from "../publish/topic-numbers.js";
import type { Send } from "./retry-queue.js";

export interface Attempts<T> {
  /** Sends it under this number, of the first if there are several. */
  readonly send: (client: Client, sequence: number) => Promise<T>;
  /** Where new numbers come from, and for how many messages. */
  readonly numbers: () => TopicNumbers;
  readonly count: number;
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
  /** The numbers that it has taken: any of them may be sent again. */
  readonly #held: [numbers: TopicNumbers, number: number][] = [];

  constructor(attempts: Attempts<T>) {
    this.#attempts = attempts;
  }

  /** It was sent to a node under this number, and failed. */
  failed(node: number, sequence: number, error: RingmqError): void {
    if (!this.#attempts.isUntaken(error)) this.#open.set(node, sequence);
  }

  readonly send: Send<T> = async (client) => {
    const { nodeId } = client.info;
    const sequence = this.#open.get(nodeId) ?? this.#take();
    try {
      return await this.#attempts.send(client, sequence);
    } catch (error) {
      this.failed(nodeId, sequence, error as RingmqError);
      throw error;
    }
  };

  /** It is sent no more when this promise is settled. */
  until<R>(settled: Promise<R>): Promise<R> {
    return settled.finally(() => {
      for (const [numbers, number] of this.#held) numbers.release(number);
    });
  }

  #take(): number {
    const numbers = this.#attempts.numbers();
    const number = numbers.take(this.#attempts.count);
    numbers.hold(number);
    this.#held.push([numbers, number]);
    return number;
  }
}
