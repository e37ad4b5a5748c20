/**
 * A native connection without a socket, for front ends on the main thread that speak another protocol: each of their
 * requests becomes a native one. Requests of one turn of the event loop travel to a shard together.
 */
import type { ErrorName } from "../../protocol/errors.js";
import { FLAGS, FrameWriter, HEAD, HEAD_LENGTH, LENGTH_BYTES, MIN_LENGTH, OP, REQUEST } from "../../protocol/frame.js";
import { Answer } from "../../protocol/op.js";
import {
  RECEIPT_BYTES,
  RECEIPT_ID_HIGH,
  RECEIPT_ID_LOW,
  RECEIPT_MESSAGES,
  RECEIPT_REQUEST,
  RECEIPT_REQUESTS,
} from "../../protocol/selection.js";
import type { Log } from "../log.js";
import { contain } from "./boundary.js";
import type { NativeConnection } from "./connection.js";
import { errorFrame } from "./own-answers.js";
import type { Transport } from "./transport.js";

/** The answer to one request: a frame, of which a CONFIRM has the one receipt of this request. */
export interface AnswerFrame {
  readonly op: number;
  readonly flags: number;
  readonly request: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly headStart: number;
  readonly headEnd: number;
  readonly payloadStart: number;
  readonly payloadEnd: number;
}

/** Takes the answer, which is good until it returns. */
export type AnswerHandler = (frame: AnswerFrame) => void;

interface Refused {
  readonly kind: ErrorName;
  readonly text: string;
  readonly onAnswer: AnswerHandler;
}

/** A buffer that large requests have made grow is let go above this. */
const KEPT_BYTES = 1024 * 1024;

const LAST_REQUEST = 0xffff_ffff;

/** The frame that a handler is shown: one object for all. */
class CurrentFrame implements AnswerFrame {
  op = 0;
  flags = 0;
  request = 0;
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(new ArrayBuffer(0));
  headStart = 0;
  headEnd = 0;
  payloadStart = 0;
  payloadEnd = 0;

  show(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    this.op = view.getUint8(start + OP);
    this.flags = view.getUint8(start + FLAGS);
    this.request = view.getUint32(start + REQUEST);
    this.bytes = bytes;
    this.view = view;
    this.headStart = start + HEAD;
    this.headEnd = this.headStart + view.getUint16(start + HEAD_LENGTH);
    this.payloadStart = this.headEnd;
    this.payloadEnd = end;
  }
}

export class Gateway {
  /** How the broker sees it. */
  readonly connection: NativeConnection;
  readonly #maxFrameBytes: number;
  readonly #log: Log;
  readonly #handlers = new Map<number, AnswerHandler>();
  readonly #frame = new CurrentFrame();
  /** A receipt for one request out of one for many. */
  readonly #receipt = new Uint8Array(HEAD + RECEIPT_BYTES);
  readonly #receiptView = new DataView(this.#receipt.buffer);
  /** Requests of this turn; the other one is free, or being taken in. */
  #gathering = new FrameWriter();
  #other = new FrameWriter();
  #refused: Refused[] = [];
  #isScheduled = false;
  #last = 0;

  constructor(open: (transport: Transport) => NativeConnection, maxFrameBytes: number, log: Log) {
    this.#maxFrameBytes = maxFrameBytes;
    this.#log = log;
    this.connection = open(this.#transport());
  }

  /**
   * Sends a request of docs/protocol.md; `head` and `payload` are the caller's again at once. `onAnswer` is called
   * exactly once, never before this returns: with the shard's answer or, when the broker cannot take the request, with
   * an ERROR of its own. For requests that have one answer.
   */
  request(op: number, flags: number, head: Uint8Array, payload: Uint8Array | undefined, onAnswer: AnswerHandler): void {
    this.#schedule();
    const length = MIN_LENGTH + head.length + (payload?.length ?? 0);
    if (length > this.#maxFrameBytes) {
      this.#refused.push({
        kind: "FRAME_TOO_LARGE",
        text: `a request has at most ${this.#maxFrameBytes} bytes`,
        onAnswer,
      });
      return;
    }
    const writer = this.#gathering;
    if (writer.end > this.#maxFrameBytes) {
      this.#refused.push({ kind: "BUSY", text: "too many requests came at the same moment", onAnswer });
      return;
    }
    const request = this.#nextRequest();
    this.#handlers.set(request, onAnswer);
    writer.open(op, flags, request, head);
    if (payload !== undefined) writer.append(payload);
    writer.close();
  }

  #nextRequest(): number {
    do this.#last = this.#last === LAST_REQUEST ? 1 : this.#last + 1;
    while (this.#handlers.has(this.#last));
    return this.#last;
  }

  /** Once a turn, after the sockets that are ready have been read: so requests of many connections travel together. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#send);
  }

  readonly #send = (): void => {
    this.#isScheduled = false;
    const writer = this.#gathering;
    this.#gathering = this.#other;
    this.#other = writer;
    const refused = this.#refused;
    this.#refused = [];
    try {
      this.connection.receive(writer.bytes, writer.view, 0, writer.end);
    } catch (error) {
      contain(this.#log, "the gateway", error, () => this.#failAll(writer));
    }
    if (writer.bytes.length > KEPT_BYTES) this.#other = new FrameWriter();
    else writer.clear();
    for (const { kind, text, onAnswer } of refused) this.#refuse(kind, text, onAnswer);
  };

  /** Some of these requests may have reached a shard: what it says of them is not waited for. */
  #failAll(writer: FrameWriter): void {
    for (let at = 0; at < writer.end; at += LENGTH_BYTES + writer.view.getUint32(at)) {
      const request = writer.view.getUint32(at + REQUEST);
      const onAnswer = this.#handlers.get(request);
      if (onAnswer === undefined) continue;
      this.#handlers.delete(request);
      this.#refuse("SHARD_RESTARTED", "the broker failed on this request, which may have been done", onAnswer);
    }
  }

  #refuse(kind: ErrorName, text: string, onAnswer: AnswerHandler): void {
    const frame = errorFrame(kind, text, 0);
    this.#show(frame, new DataView(frame.buffer, frame.byteOffset, frame.length), 0, frame.length, onAnswer);
  }

  #transport(): Transport {
    return {
      framed: true,
      canPause: false,
      peer: "gateway",
      write: (bytes) => {
        this.#dispatch(bytes);
        return true;
      },
      bufferedBytes: () => 0,
      pause: () => {},
      resume: () => {},
      end: () => this.connection.closed(),
      destroy: () => this.connection.closed(),
    };
  }

  #dispatch(bytes: Buffer): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let at = 0;
    while (at < bytes.length) {
      const next = at + LENGTH_BYTES + view.getUint32(at);
      if (view.getUint8(at + OP) === Answer.CONFIRM) this.#dispatchReceipts(view, at, next);
      else this.#answer(view.getUint32(at + REQUEST), bytes, view, at, next);
      at = next;
    }
  }

  /** Gives each request of each receipt a CONFIRM of its own. */
  #dispatchReceipts(view: DataView, start: number, end: number): void {
    const own = this.#receiptView;
    own.setUint32(0, this.#receipt.length - LENGTH_BYTES);
    own.setUint8(OP, Answer.CONFIRM);
    own.setUint8(FLAGS, view.getUint8(start + FLAGS));
    for (let at = start + HEAD + view.getUint16(start + HEAD_LENGTH); at < end; at += RECEIPT_BYTES) {
      const first = view.getUint32(at + RECEIPT_REQUEST);
      const requests = view.getUint32(at + RECEIPT_REQUESTS);
      const high = view.getUint32(at + RECEIPT_ID_HIGH);
      const low = view.getUint32(at + RECEIPT_ID_LOW);
      // With several requests each of them published one message, or none has an id.
      const step = high === 0 && low === 0 ? 0 : 1;
      own.setUint32(HEAD + RECEIPT_REQUESTS, 1);
      own.setUint32(HEAD + RECEIPT_ID_HIGH, high);
      own.setUint32(HEAD + RECEIPT_MESSAGES, view.getUint32(at + RECEIPT_MESSAGES) / requests);
      for (let i = 0; i < requests; i++) {
        own.setUint32(HEAD + RECEIPT_REQUEST, first + i);
        // Ids of one receipt are of one millisecond: the high word is the same.
        own.setUint32(HEAD + RECEIPT_ID_LOW, low + i * step);
        this.#answer(first + i, this.#receipt, own, 0, this.#receipt.length);
      }
    }
  }

  #answer(request: number, bytes: Uint8Array, view: DataView, start: number, end: number): void {
    const handler = this.#handlers.get(request);
    if (handler === undefined) return;
    this.#handlers.delete(request);
    this.#show(bytes, view, start, end, handler);
  }

  #show(bytes: Uint8Array, view: DataView, start: number, end: number, handler: AnswerHandler): void {
    this.#frame.show(bytes, view, start, end);
    try {
      handler(this.#frame);
    } catch (error) {
      // One request must not take others with it, whose answers lie in the same bytes.
      this.#log.error({ error }, "a front end failed on an answer");
    }
  }
}
