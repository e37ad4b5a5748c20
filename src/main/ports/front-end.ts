/**
 * The protocols of the TCP port. Which one a connection speaks is told by its first bytes; the protocols are asked in turn.
 * docs/adding-a-front-end.md tells how to add one.
 */
import type { Socket } from "node:net";
import type { Session } from "../native/session.js";
import type { Reading } from "./read-buffer.js";

/** A protocol as the port sees it. */
export interface Protocol {
  readonly name: string;
  /** Whether these first bytes are of this protocol. Undefined: there are too few to tell. */
  recognizes(bytes: Uint8Array): boolean | undefined;
  /** Takes the socket over: from its first bytes on, and what is read then. */
  accept(socket: Socket, reading: Reading, first: Buffer): void;
}

/** What a client has shown, and where what it says behind that begins. */
export interface Introduction {
  readonly token: string;
  readonly end: number;
}

/** A foreign protocol: a codec between the bytes of a client and a session of the broker. */
export interface FrontEnd {
  /** In lower case, for the log. */
  readonly name: string;
  /** Whether these first bytes are of this protocol. Undefined: there are too few to tell. */
  recognizes(bytes: Uint8Array): boolean | undefined;
  /** What a client is told, in its protocol, that may not come in: as an answer to its first request. Default: nothing. */
  refusal?(text: string): Uint8Array;
  /**
   * The token that a client shows with its first bytes, where the protocol has words for that; "partial" while they are not whole.
   * Undefined: it shows none. It is called where clients are asked who they are; a codec has these words too.
   */
  introduction?(first: Buffer): Introduction | "partial" | undefined;
  /** What a client is told that has shown a token which is good. Default: nothing. */
  readonly welcome?: Uint8Array;
  /** A client has come. */
  open(session: Session, client: Client): Codec;
}

/** A client as its codec sees it. What cannot be sent any more goes nowhere. */
export interface Client {
  /**
   * Sends bytes, or those of them in [start, end), which are the caller's again when it returns. What is written in one turn
   * of the event loop leaves together.
   */
  write(bytes: string | Uint8Array, start?: number, end?: number): void;
}

/** What reads commands of one client. What it throws costs the client its connection. */
export interface Codec {
  /**
   * Takes one command out of [start, end) of `bytes`, and answers where it ends: `start` when it is not whole. Then it is
   * called again when more has come. The bytes are the port's again when it returns.
   */
  take(bytes: Buffer, start: number, end: number): number;
  /** The client has gone: for what a front end keeps beyond one client. */
  closed?(): void;
}

/** As many first bytes as any protocol needs to be told. */
export const MAX_FIRST_BYTES = 64;

/** The one that recognizes the bytes; undefined while there are too few; null: nobody does. */
export const recognize = (protocols: readonly Protocol[], bytes: Uint8Array): Protocol | null | undefined => {
  let isOpen = false;
  for (const protocol of protocols) {
    const answer = protocol.recognizes(bytes);
    if (answer === true) return protocol;
    if (answer === undefined) isOpen = true;
  }
  return isOpen && bytes.length < MAX_FIRST_BYTES ? undefined : null;
};
