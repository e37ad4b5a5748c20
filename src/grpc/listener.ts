/**
 * The sockets of the gRPC port: accepted when somebody admits them, then TLS where there is a certificate, then HTTP/2. The
 * server of grpc-js would accept whoever comes, and cannot be kept from it.
 */
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type Server as TlsServer } from "node:tls";

/** PEM texts. */
export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
  /** Clients must present a certificate that this authority has signed. Undefined: they need none. */
  readonly ca: string | undefined;
}

export interface ListenerHost {
  /** Whether a socket of this address may stay; asked once for each. */
  admit(socket: number, address: string): Promise<boolean>;
  /** A socket that was admitted is closed. */
  gone(socket: number): void;
  /** Takes a socket that speaks HTTP/2 from now on. */
  connected(socket: Socket): void;
}

/** Between probes of TCP, in milliseconds: for a client whose machine has gone. */
const KEEP_ALIVE = 60_000;

const ALPN = ["h2"];

const ignore = (): void => {};

const contextOf = ({ cert, key, ca }: TlsMaterial) => ({ cert, key, ...(ca !== undefined && { ca }) });

export class Listener {
  readonly #host: ListenerHost;
  readonly #server: Server;
  readonly #tls: TlsServer | undefined;
  #last = 0;
  #listening: { readonly host: string; readonly port: number } | undefined;
  #isPaused = false;

  /** `handshakeTimeout`: milliseconds for the handshake of TLS. */
  constructor(host: ListenerHost, tls: TlsMaterial | undefined, handshakeTimeout: number) {
    this.#host = host;
    this.#server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE }, (socket) =>
      this.#accept(socket),
    );
    // Without a descriptor for it a socket is not accepted; the broker watches over them.
    this.#server.on("error", ignore);
    if (tls !== undefined) this.#tls = this.#secured(tls, handshakeTimeout);
  }

  /** Rejects with the system's error. */
  listen(host: string, port: number): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => {
        this.#server.off("error", reject);
        const address = this.#server.address();
        if (address === null || typeof address === "string") return reject(new Error("a TCP port has an address"));
        this.#listening = { host, port: address.port };
        resolve(address);
      });
    });
  }

  /** New connections are shown this certificate, and checked against its authority. */
  renew(tls: TlsMaterial): void {
    this.#tls?.setSecureContext({ ...contextOf(tls), minVersion: "TLSv1.2" });
  }

  /** Accepts nobody until `resume`. */
  pause(): void {
    this.#isPaused = true;
    this.#server.close();
  }

  resume(): void {
    if (!this.#isPaused || this.#listening === undefined) return;
    this.#isPaused = false;
    this.#server.listen(this.#listening.port, this.#listening.host);
  }

  /** Accepts nobody any more. The sockets stay. */
  close(): void {
    this.#listening = undefined;
    this.#server.close();
  }

  #accept(socket: Socket): void {
    this.#last++;
    const id = this.#last;
    socket.on("error", ignore);
    this.#host.admit(id, socket.remoteAddress ?? "").then((isAdmitted) => {
      if (!isAdmitted) return socket.destroy();
      if (socket.destroyed) return this.#host.gone(id);
      socket.once("close", () => this.#host.gone(id));
      if (this.#tls === undefined) this.#host.connected(socket);
      else this.#tls.emit("connection", socket);
    }, ignore);
  }

  #secured(tls: TlsMaterial, handshakeTimeout: number): TlsServer {
    const isMutual = tls.ca !== undefined;
    const server = createTlsServer({
      ...contextOf(tls),
      minVersion: "TLSv1.2",
      ALPNProtocols: ALPN,
      requestCert: isMutual,
      rejectUnauthorized: isMutual,
      handshakeTimeout,
    });
    server.on("tlsClientError", (_error, socket) => socket.destroy());
    server.on("secureConnection", (socket) => {
      socket.on("error", ignore);
      // A client that does not ask for HTTP/2 is none of gRPC.
      if (socket.alpnProtocol === "h2") this.#host.connected(socket);
      else socket.destroy();
    });
    return server;
  }
}
