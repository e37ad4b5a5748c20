/**
 * Messages that have come and are not yet read. Beyond a bound it asks for a pause, so a slow program slows its servers
 * down and does not grow.
 */
import { Fifo } from "../collections/fifo.js";
import type { Message } from "./message.js";

/** A pause is asked for beyond one of these, and ends at half of both. What is in chunks already read may still come. */
const MAX_MESSAGES = 1_024;
const MAX_BYTES = 4 * 1024 * 1024;

export class MessageBuffer {
  readonly #messages = new Fifo<Message>();
  readonly #pause: (isPaused: boolean) => void;
  #bytes = 0;
  #isFull = false;

  constructor(pause: (isPaused: boolean) => void) {
    this.#pause = pause;
  }

  get size(): number {
    return this.#messages.length;
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  push(message: Message): void {
    this.#messages.push(message);
    this.#bytes += message.payload.length;
    if (this.#isFull || (this.#messages.length < MAX_MESSAGES && this.#bytes < MAX_BYTES)) return;
    this.#isFull = true;
    this.#pause(true);
  }

  shift(): Message | undefined {
    const message = this.#messages.shift();
    if (message === undefined) return undefined;
    this.#bytes -= message.payload.length;
    if (this.#isFull && this.#messages.length <= MAX_MESSAGES / 2 && this.#bytes <= MAX_BYTES / 2) {
      this.#isFull = false;
      this.#pause(false);
    }
    return message;
  }

  clear(): void {
    this.#messages.clear();
    this.#bytes = 0;
  }
}
