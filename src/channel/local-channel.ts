/**
 * A channel within one thread. It has the ends of a ring, without shared memory and without sleeping. It always has room,
 * so its users must bound what is in it.
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

  /** Who reads it does so before more is written. */
  readonly unreadBytes = 0;

  tryWrite(envelope: Uint8Array, payload: Uint8Array, start: number, end: number): boolean {
    // Not `slice`: that of a Buffer is not a copy.
    const copy = new Uint8Array(payload.subarray(start, end));
    this.#messages.push({ envelope: unpackEnvelope(envelope, 0, envelope.length), payload: copy });
    return true;
  }

  waitWritable(): void {
    throw new Error("a local channel always has room");
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
