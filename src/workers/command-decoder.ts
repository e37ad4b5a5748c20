/** Decodes the frames of a connection, one after another, into commands for the shard. */
import { ProtocolError } from "../protocol/errors.js";
import { Op } from "../protocol/op.js";
import type { Command } from "../shard/command.js";
import type { DecoderLimits } from "./decoder-limits.js";
import { FrameCursor } from "./frame-cursor.js";
import { HeadReader } from "./head-reader.js";
import { PublishDecoder } from "./publish-decoder.js";
import { Pulse } from "./pulse.js";
import { RequestDecoder } from "./request-decoder.js";

export class CommandDecoder {
  readonly #cursor = new FrameCursor();
  readonly #publishes: PublishDecoder;
  readonly #requests: RequestDecoder;
  #isStopped = false;
  #isHeld = false;

  constructor(
    limits: DecoderLimits,
    readonly onCommand: (command: Command) => void,
    /** A frame that makes no command: what to answer. */
    readonly onError: (connection: number, request: number, error: ProtocolError) => void,
    readonly pulse = new Pulse(),
  ) {
    const head = new HeadReader(limits.maxNameBytes);
    this.#publishes = new PublishDecoder(limits, head);
    this.#requests = new RequestDecoder(limits, head);
  }

  /** Has `decode` end behind the frame that it is at. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Has `decode` end in front of the command that it is at: it is to come again. */
  hold(): void {
    this.#isHeld = true;
  }

  /**
   * Decodes the whole frames in [start, end), whose lengths the main thread has checked. Answers how far it came: to the
   * end, unless it was stopped or held.
   */
  decode(connection: number, bytes: Uint8Array, view: DataView, start: number, end: number): number {
    const cursor = this.#cursor;
    let at = start;
    this.#isStopped = false;
    this.#isHeld = false;
    cursor.begin(connection, bytes, view, end);
    while (!this.#isStopped && cursor.goTo(at)) {
      this.pulse.carriesOut(cursor.op, connection);
      at = cursor.end;
      try {
        if (cursor.op === Op.PUBLISH) {
          at = this.#publishes.decode(cursor);
          this.onCommand(this.#publishes.command);
        } else {
          this.onCommand(this.#requests.decode(cursor));
        }
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        if (cursor.request !== 0) this.onError(connection, cursor.request, error);
      }
      if (this.#isHeld) return cursor.start;
    }
    return at;
  }
}
