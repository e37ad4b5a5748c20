/**
 * Takes messages out of a queue that every node has a part of.
 */

import type { PopDeadOptions, PopOptions } from "../arguments/options.js";
import { checkWait } from "../arguments/value-checks.js";
import type { RingmqError } from "../base/error.js";
import { startTimer } from "../base/timer.js";
import type { Client } from "../client.js";
import type { Message } from "../consume/message.js";
import { isForAnotherNode, noNode } from "./node-errors.js";
import type { NodeLink } from "./node-link.js";

/**
 * How long one node is waited at before the next one is asked. Asking all at once would take more messages than were
 * asked for: those of the slower nodes would have to be given back. Milliseconds.
 */
const SLICE = 100;

export class NodesPopper {
  /** The connected nodes, the one to ask first in front. */
  readonly #nodes: () => readonly NodeLink[];
  /** Why nobody waits any more. */
  #end: RingmqError | undefined;

  constructor(nodes: () => readonly NodeLink[]) {
    this.#nodes = nodes;
  }

  /** Asks one node after the other until one has messages; then, while there is time, waits at each for a moment. */
  async pop(topic: string, options: PopOptions): Promise<Message[]> {
    const { wait = 0, ...rest } = { ...options };
    checkWait("wait", wait);
    const end = performance.now() + wait;
    const messages = await this.#ask((client) => client.pop(topic, rest), wait === 0);
    if (messages.length > 0 || wait === 0) return messages;
    for (let left = wait; left > 0; left = end - performance.now()) {
      if (this.#end !== undefined) throw this.#end;
      const slice = (): number => Math.max(0, Math.min(SLICE, Math.ceil(end - performance.now())));
      const found = await this.#ask((client) => client.pop(topic, { ...rest, wait: slice() }), left <= SLICE);
      if (found.length > 0) return found;
      if (this.#nodes().length === 0) await pause(Math.min(SLICE, left));
    }
    return [];
  }

  /** The client was closed. */
  ended(reason: RingmqError): void {
    this.#end = reason;
  }

  /** Asks one node after the other until one has dead letters. */
  popDead(topic: string, options: PopDeadOptions): Promise<Message[]> {
    return this.#ask((client) => client.popDead(topic, options), true);
  }

  /** Rejects when no node could answer, if this is the last time that it asks. */
  async #ask(ask: (client: Client) => Promise<Message[]>, isLast: boolean): Promise<Message[]> {
    let answers = 0;
    let failure: unknown = noNode();
    for (const { client } of this.#nodes()) {
      if (client === undefined) continue;
      try {
        const messages = await ask(client);
        if (messages.length > 0) return messages;
        answers++;
      } catch (error) {
        if (!isForAnotherNode(error)) throw error;
        failure = error;
      }
    }
    if (answers === 0 && isLast) throw failure;
    return [];
  }
}

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    startTimer(milliseconds, resolve);
  });
