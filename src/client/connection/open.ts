/**
 * Opens a connection: the transport, then the handshake.
 */
import { ProtocolError } from "../../protocol/errors.js";
import { FrameWriter, HEAD, OP } from "../../protocol/frame.js";
import { unpackHead } from "../../protocol/head.js";
import { Answer, Op } from "../../protocol/op.js";
import { readFrom } from "../arguments/argument-checks.js";
import { deferred, unobserved } from "../base/deferred.js";
import { brokerError, localError, RingmqError } from "../base/error.js";
import { startTimer } from "../base/timer.js";
import { type Address, parseAddress } from "./address.js";
import { connectFailure, hungUp, notABroker } from "./connect-failure.js";
import { Connection, type ConnectionLimits } from "./connection.js";
import { FrameParser } from "./frame-parser.js";
import { HELLO_REQUEST, helloHead, readHello } from "./hello.js";
import { openTransport } from "./open-transport.js";
import { requestHead } from "./request-head.js";
import type { OpenTransport, Transport, TransportEvents } from "./transport.js";

export interface OpenOptions extends ConnectionLimits {
  readonly name: string | undefined;
  readonly signal: AbortSignal | undefined;
  /** Milliseconds, up to Infinity. */
  readonly connectTimeout: number;
}

/** What is thrown over bytes that came: it ends their connection, and never the program. */
const asError = (error: unknown): RingmqError => {
  if (error instanceof RingmqError) return error;
  if (error instanceof ProtocolError) return localError(error.kind, error.message);
  return localError("BAD_FRAME", "what the broker sent could not be understood", error);
};

/** Stands under a connection: first it hears the broker's HELLO, then it hands on what comes. */
class Dialogue implements TransportEvents {
  readonly connected = deferred<Connection>();
  readonly #address: Address;
  readonly #limits: ConnectionLimits;
  readonly #parser = new FrameParser((...frame) => this.#frame(...frame));
  #transport: Transport | undefined;
  #connection: Connection | undefined;
  #isHeard = false;

  constructor(address: Address, limits: ConnectionLimits) {
    this.#address = address;
    this.#limits = limits;
    // It may end while its transport opens, before anybody waits for it.
    unobserved(this.connected.promise);
  }

  greet(transport: Transport, name: string | undefined): void {
    this.#transport = transport;
    const hello = new FrameWriter(HEAD);
    hello.open(Op.HELLO, 0, HELLO_REQUEST, requestHead(helloHead(name)));
    hello.close();
    transport.send(hello.written());
  }

  /** Gives up waiting for the broker's HELLO. */
  abandon(reason: Error): void {
    this.#transport?.destroy();
    this.connected.reject(reason);
  }

  received(bytes: Uint8Array): void {
    try {
      if (!this.#isHeard) {
        this.#isHeard = true;
        const failure = notABroker(bytes, this.#address);
        if (failure !== undefined) throw failure;
      }
      this.#parser.push(bytes);
      this.#connection?.resume();
    } catch (error) {
      const violation = asError(error);
      if (this.#connection === undefined) this.abandon(violation);
      else this.#connection.violated(violation);
    }
  }

  drained(): void {
    this.#connection?.drained();
  }

  ended(error?: Error): void {
    if (this.#connection !== undefined) this.#connection.ended(error);
    else this.connected.reject(hungUp(this.#address, error));
  }

  #frame(bytes: Uint8Array, view: DataView, start: number, payload: number, end: number): void {
    if (this.#connection !== undefined) {
      this.#connection.frame(bytes, view, start, payload, end);
      return;
    }
    const op = view.getUint8(start + OP);
    const head = unpackHead(bytes, start + HEAD, payload);
    if (op === Answer.ERROR) throw brokerError(Number(head[0]), String(head[1]));
    if (op !== Op.HELLO || this.#transport === undefined) {
      throw new ProtocolError("HANDSHAKE_REQUIRED", "the broker's first frame is not HELLO");
    }
    const info = readHello(head);
    // What a broker sends may be larger than what it takes: a pop gathers a mebibyte unless told otherwise.
    this.#parser.maxFrameBytes = Math.max(this.#parser.maxFrameBytes, info.limits.maxFrameBytes);
    this.#connection = new Connection(this.#transport, info, this.#limits);
    this.connected.resolve(this.#connection);
  }
}

/** Why a program's signal was aborted; one that is not the platform's may not tell. */
const reasonFor = (signal: AbortSignal | undefined): unknown => {
  try {
    return signal?.reason;
  } catch (error) {
    return error;
  }
};

/** Listens to a signal no longer. One that does not let go of `listener` only keeps what has no effect any more. */
const leave = (signal: AbortSignal | undefined, listener: () => void): void => {
  try {
    signal?.removeEventListener("abort", listener);
  } catch {}
};

/**
 * Opens a connection. Rejects with BAD_ARGUMENT for an address that is none, with CONNECT_FAILED, with what the broker
 * says instead of HELLO, or with ABORTED by the signal.
 */
export const openConnection = async (
  target: string,
  options: OpenOptions,
  open: OpenTransport = openTransport,
): Promise<Connection> => {
  const address = parseAddress(target);
  const { signal, connectTimeout, name } = options;
  const dialogue = new Dialogue(address, options);
  const abort = new AbortController();
  const cancel = (): void => {
    abort.abort(localError("ABORTED", `connecting to ${address.text} was given up by its signal`, reasonFor(signal)));
  };
  const timer = startTimer(connectTimeout, () => {
    abort.abort(localError("CONNECT_FAILED", `no answer from ${address.text} within ${connectTimeout} ms`));
  });
  let transport: Transport | undefined;
  try {
    if (readFrom("signal", () => signal?.aborted) === true) cancel();
    readFrom("signal", () => signal?.addEventListener("abort", cancel, { once: true }));
    abort.signal.throwIfAborted();
    transport = await open(address, dialogue, abort.signal);
    abort.signal.throwIfAborted();
    abort.signal.addEventListener("abort", () => dialogue.abandon(abort.signal.reason), { once: true });
    dialogue.greet(transport, name);
    return await dialogue.connected.promise;
  } catch (error) {
    transport?.destroy();
    throw error instanceof RingmqError ? error : connectFailure(error, address);
  } finally {
    timer.cancel();
    leave(signal, cancel);
  }
};
