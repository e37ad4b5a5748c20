/**
 * Opens a connection: the transport, then the handshake.
 */
import { readFrom } from "../arguments/argument-checks.js";
import type { TlsOptions } from "../arguments/options.js";
import type { Clock } from "../base/clock.js";
import { localError, RingmqError } from "../base/error.js";
import { startTimer } from "../base/timer.js";
import { addressText, parseAddress } from "./address.js";
import { addressRefusal } from "./address-refusal.js";
import { connectFailure } from "./connect-failure.js";
import { Connection, type ConnectionLimits } from "./connection.js";
import { openTransport } from "./open-transport.js";
import type { OpenTransport, Transport } from "./transport.js";
import { type Accept, TransportListener } from "./transport-listener.js";

export interface OpenOptions extends ReachOptions, ConnectionLimits {}

/** How to open a transport and greet the broker. */
export interface ReachOptions {
  readonly name?: string | undefined;
  readonly token?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds, or Infinity. */
  readonly connectTimeout: number;
  readonly tls?: TlsOptions | undefined;
}

/** The reason of an aborted signal. A getter of the program's own may throw: then what it throws. */
const reasonFor = (signal: AbortSignal | undefined): unknown => {
  try {
    return signal?.reason;
  } catch (error) {
    return error;
  }
};

/** Removes a listener. A signal of the program's own may throw; a listener that stays has no effect any more. */
const removeListener = (signal: AbortSignal | undefined, listener: () => void): void => {
  try {
    signal?.removeEventListener("abort", listener);
  } catch {}
};

/**
 * Opens a connection. Rejects with BAD_ARGUMENT for a wrong address, with CONNECT_FAILED, with the error that the broker
 * sends instead of HELLO, or with ABORTED by the signal.
 */
export const openConnection = (
  target: string,
  options: OpenOptions,
  open: OpenTransport = openTransport,
  clock?: Clock,
): Promise<Connection> =>
  reachBroker(target, options, (transport, info) => new Connection(transport, info, options, clock), open);

/** As `openConnection`, for whichever connection the transport is accepted by. */
export const reachBroker = async (
  target: string,
  { signal, connectTimeout, name, token, tls }: ReachOptions,
  accept: Accept,
  open: OpenTransport = openTransport,
): Promise<Connection> => {
  const text = addressText(target);
  const address = parseAddress(text);
  if (typeof address === "string") throw await addressRefusal(text, address);
  if (tls !== undefined && !address.isTls) {
    throw localError("BAD_ARGUMENT", `the option tls needs an address with tls:// or wss://; it is ${address.text}`);
  }
  const listener = new TransportListener(address, accept);
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
    transport = await open(address, listener, abort.signal, tls);
    abort.signal.throwIfAborted();
    abort.signal.addEventListener("abort", () => listener.abandon(abort.signal.reason), { once: true });
    listener.greet(transport, name, token);
    const connection = await listener.opened;
    if (open === openTransport) connection.target = { url: address.url.href, name, token, connectTimeout, tls };
    return connection;
  } catch (error) {
    transport?.destroy();
    throw error instanceof RingmqError ? error : connectFailure(error, address);
  } finally {
    timer.cancel();
    removeListener(signal, cancel);
  }
};

/** Resolves after this many milliseconds, or at once when the signal says so. */
export const pauseUnlessAborted = (
  clock: Clock,
  milliseconds: number,
  signal: AbortSignal | undefined,
): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      timer.cancel();
      removeListener(signal, done);
      resolve();
    };
    const timer = clock.startTimer(milliseconds, done);
    readFrom("signal", () => signal?.addEventListener("abort", done, { once: true }));
  });
