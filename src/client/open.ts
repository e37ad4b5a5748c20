/**
 * Opens a connection: the transport, then the handshake.
 */
import { ProtocolError } from "../protocol/errors.js";
import { FrameWriter, HEAD, OP } from "../protocol/frame.js";
import { unpackHead } from "../protocol/head.js";
import { Answer, Op } from "../protocol/op.js";
import { Connection, type ConnectionLimits } from "./connection.js";
import { deferred } from "./deferred.js";
import { brokerError, localError, RingmqError } from "./error.js";
import { FrameParser } from "./frame-parser.js";
import { HELLO_REQUEST, helloHead, readHello } from "./hello.js";
import { requestHead } from "./request-head.js";
import { type OpenTransport, openTransport, type Transport, type TransportEvents } from "./transport.js";

export interface OpenOptions extends ConnectionLimits {
  readonly name: string | undefined;
  readonly signal: AbortSignal | undefined;
  /** Milliseconds. */
  readonly connectTimeout: number;
}

const asError = (error: unknown): RingmqError => {
  if (error instanceof RingmqError) return error;
  if (error instanceof ProtocolError) return localError(error.kind, error.message);
  throw error;
};

/** Stands under a connection: first it hears the broker's HELLO, then it hands on what comes. */
class Dialogue implements TransportEvents {
  readonly connected = deferred<Connection>();
  readonly #limits: ConnectionLimits;
  readonly #parser = new FrameParser((...frame) => this.#frame(...frame));
  #transport: Transport | undefined;
  #connection: Connection | undefined;

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
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
      this.#parser.push(bytes);
    } catch (error) {
      const violation = asError(error);
      if (this.#connection === undefined) this.abandon(violation);
      else this.#connection.violated(violation);
      return;
    }
    this.#connection?.resume();
  }

  drained(): void {
    this.#connection?.drained();
  }

  ended(error?: Error): void {
    if (this.#connection !== undefined) this.#connection.ended(error);
    else this.connected.reject(localError("CONNECT_FAILED", "the broker closed the connection at once", error));
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

/** What a program is told when no connection came about. */
const refusal = (error: unknown, target: string, signal: AbortSignal | undefined): unknown => {
  if (error instanceof RingmqError || error instanceof TypeError) return error;
  if (signal?.aborted === true) return signal.reason;
  return localError("CONNECT_FAILED", `no connection to ${target}`, error);
};

/**
 * Opens a connection. Rejects with CONNECT_FAILED, with what the broker says instead of HELLO, with the signal's
 * reason, or with TypeError for a URL that is none.
 */
export const openConnection = async (
  target: string,
  options: OpenOptions,
  open: OpenTransport = openTransport,
): Promise<Connection> => {
  const url = new URL(target);
  const dialogue = new Dialogue(options);
  const abort = new AbortController();
  const cancel = (): void => abort.abort(options.signal?.reason);
  const timer = setTimeout(() => {
    abort.abort(localError("CONNECT_FAILED", `no answer from ${target} within ${options.connectTimeout} ms`));
  }, options.connectTimeout);
  try {
    options.signal?.throwIfAborted();
    options.signal?.addEventListener("abort", cancel, { once: true });
    const transport = await open(url, dialogue, abort.signal);
    abort.signal.throwIfAborted();
    abort.signal.addEventListener("abort", () => dialogue.abandon(abort.signal.reason), { once: true });
    dialogue.greet(transport, options.name);
    return await dialogue.connected.promise;
  } catch (error) {
    throw refusal(error, target, options.signal);
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", cancel);
  }
};
