/**
 * The protocols of the TCP port. Which one a connection speaks is told by its first bytes; the front ends are asked in
 * turn.
 */
import type { Socket } from "node:net";
import type { Reading } from "./read-buffer.js";

export interface FrontEnd {
  readonly name: string;
  /** Whether these first bytes are of its protocol. Undefined: there are too few to tell. */
  recognizes(bytes: Uint8Array): boolean | undefined;
  /** Takes the socket over: from its first bytes on, and what is read then. */
  accept(socket: Socket, reading: Reading, first: Buffer): void;
}

/** As many first bytes as any protocol needs to be told. */
export const MAX_FIRST_BYTES = 64;

/** The one that recognizes the bytes; undefined while there are too few; null: nobody does. */
export const recognize = (frontEnds: readonly FrontEnd[], bytes: Uint8Array): FrontEnd | null | undefined => {
  let isOpen = false;
  for (const frontEnd of frontEnds) {
    const answer = frontEnd.recognizes(bytes);
    if (answer === true) return frontEnd;
    if (answer === undefined) isOpen = true;
  }
  return isOpen && bytes.length < MAX_FIRST_BYTES ? undefined : null;
};
