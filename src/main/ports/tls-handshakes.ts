/**
 * TLS on the TCP port: accepted sockets shake hands, and what is behind them is read and written like a plain socket.
 * Sockets that are closed meanwhile, for whatever reason, never come out.
 */
import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { Log } from "../log.js";
import { guard } from "../native/error-boundary.js";
import type { Certificate } from "./certificate.js";
import { Hint } from "./hint.js";

/** Past this node takes a timer's time for none at all. In milliseconds. */
const MAX_TIMEOUT = 2 ** 31 - 1;

/** What OpenSSL says of a first record that is none: plain text, or an HTTP request. */
const PLAIN_TEXT: ReadonlySet<string> = new Set([
  "ERR_SSL_WRONG_VERSION_NUMBER",
  "ERR_SSL_HTTP_REQUEST",
  "ERR_SSL_PACKET_LENGTH_TOO_LONG",
  "ERR_SSL_UNKNOWN_PROTOCOL",
]);

export const isPlainText = (error: unknown): boolean =>
  PLAIN_TEXT.has(String((Object(error) as { readonly code?: unknown }).code));

/** A TLS client begins with a handshake record, whose version begins with 3. */
export const beginsTls = (first: Buffer | undefined): boolean =>
  first !== undefined && first[0] === 0x16 && (first[1] ?? 0x03) === 0x03;

interface Handshake {
  readonly accepted: Socket;
  readonly secured: (socket: TLSSocket) => void;
}

/** What a TLS socket and the socket under it have in common, and two connections that are open have not. */
export const pathOf = ({ remoteAddress, remotePort, localAddress, localPort }: Socket): string =>
  `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;

export class TlsHandshakes {
  readonly #log: Log;
  /** It never listens: it is given sockets, since it alone checks the certificates of clients. */
  readonly #server: Server;
  readonly #open = new Map<string, Handshake>();
  readonly #plainText: Hint;

  /** @param timeout in milliseconds, for a handshake in which nothing moves; who began it has a deadline for the whole */
  constructor(certificate: Certificate, timeout: number, log: Log) {
    this.#log = log;
    this.#plainText = new Hint(
      log,
      "a client speaks plain text on the TCP port, which speaks TLS: it must connect by tls://, not tcp://",
    );
    this.#server = createServer({
      ...certificate.settings,
      handshakeTimeout: Math.min(Math.ceil(timeout), MAX_TIMEOUT),
    });
    this.#server.on("secureConnection", (socket) => this.#secured(socket));
    this.#server.on("tlsClientError", (error, socket) => this.#failed(error, socket));
  }

  /** Handshakes from now on show this one. */
  renew({ settings }: Certificate): void {
    this.#server.setSecureContext(settings);
  }

  /** Begins a handshake over a paused socket; `secured` is called when it is done, if it is ever. */
  begin(accepted: Socket, secured: (socket: TLSSocket) => void): void {
    const path = pathOf(accepted);
    const handshake = { accepted, secured };
    this.#open.set(path, handshake);
    accepted.once("close", () => {
      if (this.#open.get(path) === handshake) this.#open.delete(path);
    });
    this.#server.emit("connection", accepted);
  }

  #secured(socket: TLSSocket): void {
    const path = pathOf(socket);
    const handshake = this.#open.get(path);
    this.#open.delete(path);
    socket.on("error", (error) => {
      this.#log.debug({ error: error.message }, "a socket failed");
      // Not always followed by `close`: a client that negotiates again and again is only reported.
      socket.destroy();
    });
    if (handshake === undefined || handshake.accepted.destroyed) {
      socket.destroy();
      return;
    }
    guard(
      this.#log,
      "a new socket",
      () => handshake.secured(socket),
      () => socket.destroy(),
    );
  }

  #failed(error: Error, socket: TLSSocket): void {
    const peer = socket.remoteAddress;
    if (isPlainText(error)) this.#plainText.give({ peer });
    else {
      // Node closes these without a word of its own.
      const reason = socket.authorizationError ?? error.message;
      this.#log.debug({ peer, error: reason }, "a TLS handshake failed");
    }
    socket.destroy();
  }
}
