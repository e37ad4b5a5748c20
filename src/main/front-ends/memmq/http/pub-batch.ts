/** Messages of one turn of the event loop, gathered for one publisher at a time: its own leave before another's are put in. */
import { copyBytes } from "../../../../channel/copy-bytes.js";
import { WORD_BYTES } from "../../../../protocol/entry.js";

/** What is gathered at most, in bytes. */
const BATCH_BYTES = 64 * 1024;

/** A frame has a head beside its entries: the names of a channel and of a key. */
const HEAD_BYTES = 640;

/** Who publishes what is gathered. The entries are the batch's again when it returns. */
export interface BatchOwner {
  publish(entries: Uint8Array): void;
}

export class PubBatch {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  readonly #maxMessages: number;
  #owner: BatchOwner | undefined;
  #end = 0;
  #messages = 0;

  /** @param maxFrameBytes of a request that publishes a batch, which has `maxMessages` at most */
  constructor(maxFrameBytes: number, maxMessages: number) {
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(WORD_BYTES, Math.min(BATCH_BYTES, maxFrameBytes - HEAD_BYTES)));
    this.#view = new DataView(this.#bytes.buffer);
    this.#maxMessages = maxMessages;
  }

  add(owner: BatchOwner, message: Uint8Array): void {
    const { length } = message;
    const room = this.#bytes.length - WORD_BYTES;
    if (this.#owner !== owner || this.#messages === this.#maxMessages || length > room - this.#end) {
      this.flush();
      this.#owner = owner;
    }
    if (length > room) return owner.publish(entryOf(message));
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
    if (end > 0) owner?.publish(new Uint8Array(this.#bytes.buffer, 0, end));
  }
}

const entryOf = (message: Uint8Array): Uint8Array => {
  const entry = Buffer.allocUnsafe(WORD_BYTES + message.length);
  entry.writeUInt32BE(message.length, 0);
  entry.set(message, WORD_BYTES);
  return entry;
};
