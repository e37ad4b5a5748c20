/** Takes the bytes of a text in the parts in which they come. */
export interface ByteSink {
  /** The bytes from `start` to `end` are the caller's again when it returns. */
  write(bytes: Uint8Array, start: number, end: number): void;
}
