/** One connection's side of calls: decodes what its client sends about them, and sends it what they tell. */
import { CALL_HEAD_BYTES, writeCallHead } from "../../protocol/call.js";
import { countEntries, EntriesFault } from "../../protocol/entry.js";
import { ERRORS, type ErrorName, ProtocolError } from "../../protocol/errors.js";
import { FLAGS, HEAD, HEAD_LENGTH, LENGTH, LENGTH_BYTES, MIN_LENGTH, OP, REQUEST } from "../../protocol/frame.js";
import {
  DEFAULT_CALL_TIMEOUT,
  MAX_CALL_CREDIT,
  MAX_CALL_TIMEOUT,
  MAX_FAILURE_NAME_BYTES,
  MAX_FAILURE_TEXT_BYTES,
} from "../../protocol/limits.js";
import { Answer, Op } from "../../protocol/op.js";
import type { CallParty } from "../calls/call-party.js";
import type { CallMember } from "../calls/call-state.js";
import type { CallDesk, CallRecipient } from "./call-desk.js";
import type { ConnectionContext } from "./connection-context.js";
import type { ConsumerLedger } from "./consumer-ledger.js";
import { answerConfirm, answerFailure } from "./local-answers.js";
import type { Outgoing } from "./outgoing.js";
import { NO_SHARD, type RequestWindow } from "./request-window.js";

const MAX_U32 = 0xffff_ffff;

/** What the side needs of its connection. */
export interface CallConnection extends CallRecipient {
  readonly isOpen: boolean;
  fail(kind: ErrorName, text: string, request: number): void;
  /** More has been written than the client has taken: writes what is gathered, and holds the connection if it is too much. */
  relieve(): void;
}

/** The frame with a head of two numbers, and the one without a head, in front of a message: written anew for each. */
const pairFrame = new Uint8Array(HEAD + CALL_HEAD_BYTES);
const pairView = new DataView(pairFrame.buffer);
pairView.setUint16(HEAD_LENGTH, CALL_HEAD_BYTES);
const bareFrame = new Uint8Array(HEAD);
const bareView = new DataView(bareFrame.buffer);

const writeFixed = (view: DataView, op: number, request: number, after: number): void => {
  view.setUint32(LENGTH, view.byteLength - LENGTH_BYTES + after);
  view.setUint8(OP, op);
  view.setUint8(FLAGS, 0);
  view.setUint32(REQUEST, request);
};

export class CallSide implements CallParty {
  readonly #connection: CallConnection;
  readonly #outgoing: Outgoing;
  readonly #window: RequestWindow;
  readonly #ledger: ConsumerLedger;
  readonly #desk: CallDesk;
  readonly #member: CallMember;
  readonly #maxMessageBytes: number;
  /** Of a call, so that its CALLED is no longer than a frame may be. */
  readonly #maxEntryBytes: number;

  constructor(
    connection: CallConnection,
    outgoing: Outgoing,
    window: RequestWindow,
    ledger: ConsumerLedger,
    context: ConnectionContext,
  ) {
    const { maxMessageBytes, maxFrameBytes } = context.options;
    this.#connection = connection;
    this.#outgoing = outgoing;
    this.#window = window;
    this.#ledger = ledger;
    this.#desk = context.calls;
    this.#maxMessageBytes = maxMessageBytes;
    this.#maxEntryBytes = maxFrameBytes - MIN_LENGTH - CALL_HEAD_BYTES;
    this.#member = this.#desk.calls.join(this);
  }

  /** Takes a whole frame. */
  take(op: number, request: number, bytes: Uint8Array, view: DataView, start: number): void {
    try {
      this.#carryOut(op, request, bytes, view, start);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.failed(request, error.kind, error.message);
    }
  }

  hold(): void {
    this.#desk.calls.hold(this.#member);
  }

  unhold(): void {
    this.#desk.calls.unhold(this.#member, this.#desk.now());
  }

  leave(): void {
    this.#desk.calls.leave(this.#member);
  }

  // CallParty

  confirmed(request: number, count: number): void {
    this.#window.clear(request);
    answerConfirm(this.#outgoing, request, count);
    this.#desk.gathered(this.#connection);
  }

  failed(request: number, kind: ErrorName, text: string): void {
    this.#window.clear(request);
    this.#connection.fail(kind, text, request);
    this.#desk.gathered(this.#connection);
  }

  responderFailed(request: number, name: string, text: string): void {
    this.#window.clear(request);
    if (!this.#connection.isOpen) return;
    answerFailure(this.#outgoing, request, text, name);
    this.#desk.gathered(this.#connection);
  }

  replied(request: number, bytes: Uint8Array, start: number, end: number): void {
    this.#window.clear(request);
    writeFixed(bareView, Answer.REPLIED, request, end - start);
    this.#send(bareFrame, bytes, start, end);
  }

  called(responder: number, call: number, left: number, bytes: Uint8Array, start: number, end: number): void {
    writeFixed(pairView, Answer.CALLED, responder, end - start);
    writeCallHead(pairView, HEAD, call, left);
    this.#send(pairFrame, bytes, start, end);
  }

  abandoned(responder: number, call: number, reason: ErrorName): void {
    writeFixed(pairView, Answer.ABANDONED, responder, 0);
    writeCallHead(pairView, HEAD, call, ERRORS[reason].code);
    this.#send(pairFrame, pairFrame, 0, 0);
  }

  #send(head: Uint8Array, bytes: Uint8Array, start: number, end: number): void {
    if (!this.#connection.isOpen) return;
    this.#outgoing.appendFrame(head, bytes, start, end);
    this.#connection.relieve();
    this.#desk.gathered(this.#connection);
  }

  #carryOut(op: number, request: number, bytes: Uint8Array, view: DataView, start: number): void {
    const { calls, reader } = this.#desk;
    const payload = start + HEAD + view.getUint16(start + HEAD_LENGTH);
    const end = start + LENGTH_BYTES + view.getUint32(start + LENGTH);
    reader.begin(bytes, view, start + HEAD, payload);
    switch (op) {
      case Op.CALL: {
        const channel = reader.name("channel");
        const timeout = reader.integer("timeout", DEFAULT_CALL_TIMEOUT, 1, MAX_CALL_TIMEOUT);
        reader.end();
        this.#checkEntry(view, payload, end);
        calls.call(this.#member, request, channel, timeout, bytes, payload, end, this.#desk.now());
        return this.#desk.begun();
      }
      case Op.REPLY:
      case Op.FAIL:
        return this.#settle(op, reader.integer("call", 0, 1, MAX_U32), bytes, view, payload, end);
      case Op.ABANDON: {
        const number = reader.integer("call", 0, 1, MAX_U32);
        reader.end();
        return calls.abandon(this.#member, number);
      }
      case Op.RESPOND: {
        const channel = reader.name("channel");
        const credit = reader.integer("credit", 1, 1, MAX_CALL_CREDIT);
        reader.end();
        if (calls.respond(this.#member, request, channel, credit, this.#desk.now())) {
          this.#ledger.expect(request, { kind: "consume", shard: NO_SHARD });
          this.#ledger.confirmed(request);
        }
        return;
      }
      case Op.STOP_RESPONDING: {
        const channel = reader.name("channel");
        const responder = reader.integer("responder", 0, 1, MAX_U32);
        reader.end();
        if (calls.stop(this.#member, request, channel, responder)) this.#ledger.consumerClosed(responder);
      }
    }
  }

  /** What settles a call and makes no sense fails it: nobody would wait for another frame. */
  #settle(op: number, number: number, bytes: Uint8Array, view: DataView, start: number, end: number): void {
    const { calls, reader } = this.#desk;
    let name = "";
    let why = "";
    try {
      if (op === Op.FAIL) {
        name = reader.text("name", MAX_FAILURE_NAME_BYTES);
        why = reader.text("text", MAX_FAILURE_TEXT_BYTES);
      }
      reader.end();
      if (op === Op.REPLY) this.#checkEntry(view, start, end);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      const text = `the reply was refused: ${error.message}`;
      if (this.#member.owed.has(number)) calls.fail(this.#member, number, error.kind, text, this.#desk.now());
      throw error;
    }
    if (op === Op.REPLY) calls.reply(this.#member, number, bytes, start, end, this.#desk.now());
    else calls.fail(this.#member, number, name, why, this.#desk.now());
  }

  /** Throws unless [start, end) is one message. */
  #checkEntry(view: DataView, start: number, end: number): void {
    const count = countEntries(view, start, end, this.#maxMessageBytes, 1);
    if (count === EntriesFault.TOO_LARGE || (count === 1 && end - start > this.#maxEntryBytes)) {
      throw new ProtocolError("MESSAGE_TOO_LARGE", `a message has at most ${this.#maxMessageBytes} bytes`);
    }
    if (count !== 1) throw new ProtocolError("BAD_PAYLOAD", "the payload is not one message");
  }
}
