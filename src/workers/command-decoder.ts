/** Decodes frames into commands for the shard, one after another, until it is told to stop. */
import { ProtocolError } from "../protocol/errors.js";
import * as frame from "../protocol/frame.js";
import { Op } from "../protocol/op.js";
import type { Command } from "../shard/command.js";
import type { DecoderLimits } from "./decoder-limits.js";
import { HeadReader } from "./head-reader.js";
import { PublishDecoder } from "./publish-decoder.js";
import { Pulse } from "./pulse.js";
import { RequestDecoder } from "./request-decoder.js";

export class CommandDecoder {
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
    this.#publishes = new PublishDecoder(limits, head, onCommand);
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
    let at = start;
    this.#isStopped = false;
    this.#isHeld = false;
    while (at < end && !this.#isStopped) {
      const begin = at;
      const stop = at + frame.LENGTH_BYTES + view.getUint32(at);
      const request = view.getUint32(at + frame.REQUEST);
      const op = view.getUint8(at + frame.OP);
      this.pulse.carriesOut(op, connection);
      try {
        if (op === Op.PUBLISH) {
          at = this.#publishes.decode(connection, bytes, view, at, end);
        } else {
          this.onCommand(this.#requests.decode(connection, bytes, view, at, stop));
          at = stop;
        }
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        if (request !== 0) this.onError(connection, request, error);
        at = stop;
      }
      if (this.#isHeld) return begin;
    }
    return at;
  }
}
