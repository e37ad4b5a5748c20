/**
 * Responses of gmq's line protocol out of a stream of bytes:
 *
 * ```
 *  0         2         6         6+D
 *  +---------+---------+----------+
 *  | type:u16|  D: u32 | data: D  |
 *  +---------+---------+----------+
 * ```
 */

export const ResponseType = { message: 101, error: 102, result: 103, channel: 104, ping: 105 } as const;

const LENGTH = 2;
const HEAD_BYTES = 6;

/** A largest message is 1 MiB, a list of dead letters has more: beyond this it is something else than a node. */
export const MAX_RESPONSE_BYTES = 256 * 1024 * 1024;

export interface Response {
  readonly type: number;
  readonly data: Buffer;
}

export class ResponseReader {
  /** What has come of a response that is not whole. */
  #chunks: Buffer[] = [];
  #held = 0;
  /** Bytes to wait for before looking again. */
  #wanted = HEAD_BYTES;

  /** Hands on the responses that a chunk completes. Throws when the other side speaks something else. */
  push(chunk: Buffer, take: (response: Response) => void): void {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    if (this.#held < this.#wanted) return;
    const bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#held);
    let at = 0;
    for (;;) {
      this.#wanted = HEAD_BYTES;
      if (bytes.length - at < HEAD_BYTES) break;
      const type = bytes.readUInt16BE(at);
      const length = bytes.readUInt32BE(at + LENGTH);
      if (type < ResponseType.message || type > ResponseType.ping || length > MAX_RESPONSE_BYTES) {
        throw new Error("what answers does not speak gmq's line protocol");
      }
      this.#wanted = HEAD_BYTES + length;
      if (bytes.length - at < this.#wanted) break;
      take({ type, data: bytes.subarray(at + HEAD_BYTES, at + this.#wanted) });
      at += this.#wanted;
    }
    this.#held = bytes.length - at;
    this.#chunks = this.#held > 0 ? [bytes.subarray(at)] : [];
  }
}
