/**
 * A channel within one thread: what a ring is between two, with the same ends, no shared memory and no sleep. It has
 * always room, so whoever puts the two sides together bounds what is under way.
 */
import { Fifo } from "../collections/fifo.js";
import type { MessageHandler, MessageReader, MessageWriter } from "./ends.js";
import { unpackEnvelope } from "./envelope.js";

interface Message {
  readonly envelope: readonly number[];
  readonly payload: Uint8Array;
}

export class LocalChannel implements MessageWriter, MessageReader {
  readonly #messages = new Fifo<Message>();
  #isStopped = false;

  get isEmpty(): boolean {
    return this.#messages.length === 0;
  }

  tryWrite(envelope: Uint8Array, payload: Uint8Array, start: number, end: number): boolean {
    // Not `slice`: that of a Buffer is no copy.
    const copy = new Uint8Array(payload.subarray(start, end));
    this.#messages.push({ envelope: unpackEnvelope(envelope, 0, envelope.length), payload: copy });
    return true;
  }

  waitWritable(): void {
    throw new Error("a local channel has always room");
  }

  drain(handler: MessageHandler, maxMessages: number): number {
    let messages = 0;
    this.#isStopped = false;
    while (messages < maxMessages && !this.#isStopped) {
      const message = this.#messages.shift();
      if (message === undefined) break;
      messages++;
      const { envelope, payload } = message;
      handler(envelope, payload, new DataView(payload.buffer, payload.byteOffset, payload.length), 0, payload.length);
    }
    return messages;
  }

  stop(): void {
    this.#isStopped = true;
  }
}
