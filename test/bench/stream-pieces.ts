/** Cuts a stream as sockets do, for tests of what reads streams. */
import fc from "fast-check";

/** Lengths of pieces, in turn; the last piece is what is left. */
export const cuts = fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 40 });
export const byteByByte = Array.from({ length: 2_000 }, () => 1);

/** Feeds the stream cut at the given lengths, each piece in a buffer of its own as a socket would give it. */
export const feed = (
  bytes: Uint8Array,
  pieces: readonly number[],
  push: (bytes: Uint8Array, view: DataView, start: number, end: number) => void,
): void => {
  let at = 0;
  for (const cut of [...pieces, bytes.length]) {
    const piece = bytes.slice(at, Math.min(at + cut, bytes.length));
    push(piece, new DataView(piece.buffer), 0, piece.length);
    // What was pushed is read into again by the next read.
    piece.fill(0);
    at += piece.length;
  }
};
