/**
 * The answers of one client, in the order of its requests, whichever is known first. All integers are big-endian.
 *
 * ```
 *  0          2          4          4+D
 *  +----------+----------+----------+
 *  | type:i16 | D: i16   | data: D  |
 *  +----------+----------+----------+
 * ```
 */
import { Fifo } from "../../../../collections/fifo.js";
import type { Session } from "../../../native/session.js";
import type { Client } from "../../../ports/front-end.js";
import { MAX_DATA_BYTES } from "./request.js";

export const JOB = 0;
export const ERROR = 1;
export const MESSAGE = 2;

const DATA_LENGTH = 2;
const HEADER = 4;

/**
 * Bytes of answers that may wait for earlier ones. Requests that no shard is asked about are answered at once, so a client
 * that sends them behind a push whose disk is slow would otherwise fill the memory.
 */
const MAX_HELD_BYTES = 1024 * 1024;
/** What an answer takes beside its bytes. */
const PLACE_BYTES = 192;

/** Text that does not fit is cut: only that of an error may be so long. */
export const answerBytes = (type: number, text: string): Buffer => {
  const size = Math.min(Buffer.byteLength(text), MAX_DATA_BYTES);
  const bytes = Buffer.allocUnsafe(HEADER + size);
  bytes.writeInt16BE(type, 0);
  bytes.writeInt16BE(size, DATA_LENGTH);
  // A character that does not fit is not written in part.
  bytes.fill(0x20, HEADER + bytes.write(text, HEADER));
  return bytes;
};

/** The place of an answer among the others. */
export interface Place {
  bytes: Buffer | undefined;
}

/** What of a session this is about. */
type Turns = Pick<Session, "pause" | "inOrder">;

export class Answers {
  readonly #session: Turns;
  readonly #client: Client;
  readonly #places = new Fifo<Place>();
  /** Of answers that wait for earlier ones. */
  #heldBytes = 0;
  #release: (() => void) | undefined;

  constructor(session: Turns, client: Client) {
    this.#session = session;
    this.#client = client;
  }

  /** The place of the next request that has an answer. */
  next(): Place {
    const place: Place = { bytes: undefined };
    this.#places.push(place);
    return place;
  }

  /** Answers a request, once. */
  give(place: Place, type: number, text: string): void {
    const bytes = answerBytes(type, text);
    place.bytes = bytes;
    this.#heldBytes += bytes.length + PLACE_BYTES;
    for (let first = this.#places.at(0); first?.bytes !== undefined; first = this.#places.at(0)) {
      this.#client.write(first.bytes);
      this.#heldBytes -= first.bytes.length + PLACE_BYTES;
      this.#places.shift();
    }
    if (this.#heldBytes > MAX_HELD_BYTES) this.#release ??= this.#session.pause();
    else if (this.#heldBytes === 0) this.#goOn();
  }

  #goOn(): void {
    this.#release?.();
    this.#release = undefined;
  }

  refuse(place: Place, text: string): void {
    this.give(place, ERROR, text);
  }

  /** Refuses what no shard is asked for: in its turn, so that it counts among what is unanswered like the rest. */
  refuseInTurn(place: Place, text: string): void {
    this.#session.inOrder(() => this.refuse(place, text));
  }
}
