/**
 * Takes what a transport reports: the broker's HELLO first, then everything for the connection that this opens.
 */
import { ProtocolError } from "../../protocol/errors.js";
import { HEAD, OP } from "../../protocol/frame.js";
import { NO_HEAD, unpackHead } from "../../protocol/head.js";
import { Answer, Op, PROTOCOL_VERSION } from "../../protocol/op.js";
import { deferred, unobserved } from "../base/deferred.js";
import { brokerError, localError, RingmqError } from "../base/error.js";
import type { Address } from "./address.js";
import { encodeFrame } from "./chunk.js";
import { hungUp, notABroker } from "./connect-failure.js";
import type { Connection } from "./connection.js";
import { FrameParser } from "./frame-parser.js";
import { type BrokerInfo, HELLO_REQUEST, readHello } from "./hello.js";
import { requestHead } from "./request-head.js";
import type { Transport, TransportEvents } from "./transport.js";

/** What was thrown while reading received bytes. It ends the connection, never the program. */
const asReceiveError = (error: unknown): RingmqError => {
  if (error instanceof RingmqError) return error;
  if (error instanceof ProtocolError) return localError(error.kind, error.message);
  return localError("BAD_FRAME", "what the broker sent could not be understood", error);
};

/** The connection that an opened transport is for: a new one, or one that has lost its own. */
export type Accept = (transport: Transport, info: BrokerInfo) => Connection;

export class TransportListener implements TransportEvents {
  readonly #address: Address;
  readonly #accept: Accept;
  readonly #opened = deferred<Connection>();
  readonly #parser = new FrameParser((...frame) => this.#frame(...frame));
  #transport: Transport | undefined;
  #connection: Connection | undefined;
  #hasReceived = false;

  constructor(address: Address, accept: Accept) {
    this.#address = address;
    this.#accept = accept;
    // It may reject before anybody waits for it.
    unobserved(this.#opened.promise);
  }

  /** Resolves after the broker's HELLO. */
  get opened(): Promise<Connection> {
    return this.#opened.promise;
  }

  /** Sends HELLO. */
  greet(transport: Transport, name: string | undefined, token?: string): void {
    this.#transport = transport;
    transport.send(encodeFrame(Op.HELLO, 0, HELLO_REQUEST, requestHead([PROTOCOL_VERSION, name, token]), NO_HEAD));
  }

  /** Gives up waiting for the broker's HELLO. */
  abandon(reason: Error): void {
    this.#transport?.destroy();
    this.#opened.reject(reason);
  }

  received(bytes: Uint8Array): void {
    try {
      if (!this.#hasReceived) {
        this.#hasReceived = true;
        const failure = notABroker(bytes, this.#address);
        if (failure !== undefined) throw failure;
      }
      this.#parser.push(bytes);
      if (this.#isInUse) this.#connection?.resume();
    } catch (error) {
      const violation = asReceiveError(error);
      if (this.#connection === undefined || this.#transport === undefined) this.abandon(violation);
      else this.#connection.violated(this.#transport, violation);
    }
  }

  drained(): void {
    if (this.#transport !== undefined) this.#connection?.drained(this.#transport);
  }

  ended(error?: Error): void {
    if (this.#connection !== undefined && this.#transport !== undefined) this.#connection.ended(this.#transport, error);
    else this.#opened.reject(hungUp(this.#address, error));
  }

  /** The connection has not lost the transport that this listens to. */
  get #isInUse(): boolean {
    return this.#transport !== undefined && this.#connection?.uses(this.#transport) === true;
  }

  #frame(bytes: Uint8Array, view: DataView, start: number, payload: number, end: number): void {
    if (this.#connection !== undefined) {
      if (this.#isInUse) this.#connection.frame(bytes, view, start, payload, end);
      return;
    }
    const op = view.getUint8(start + OP);
    const head = unpackHead(bytes, start + HEAD, payload);
    if (op === Answer.ERROR) throw brokerError(Number(head[0]), String(head[1]));
    if (op !== Op.HELLO || this.#transport === undefined) {
      throw new ProtocolError("HANDSHAKE_REQUIRED", "the broker's first frame is not HELLO");
    }
    const info = readHello(head);
    // A broker may send larger frames than it accepts: a pop gathers up to a mebibyte by default.
    this.#parser.maxFrameBytes = Math.max(this.#parser.maxFrameBytes, info.limits.maxFrameBytes);
    this.#connection = this.#accept(this.#transport, info);
    this.#opened.resolve(this.#connection);
  }
}
