/** The TCP port: accepts sockets, shakes hands where it speaks TLS, and hands each to the protocol that it speaks. */
import { createServer, type Server, type Socket } from "node:net";
import type { Log } from "../log.js";
import { guard } from "../native/error-boundary.js";
import { errorFrame } from "../native/local-answers.js";
import type { Address } from "../options.js";
import { shareOf } from "./address-shares.js";
import type { Certificate } from "./certificate.js";
import type { ConnectionHost } from "./connection-host.js";
import type { Port } from "./descriptor-watch.js";
import { type Protocol, recognize } from "./front-end.js";
import { Hint } from "./hint.js";
import { listenOn } from "./listening.js";
import { forward, ReadBuffer, type Reading } from "./read-buffer.js";
import { LINGER, lingeringEnd } from "./tcp-transport.js";
import { beginsTls, TlsHandshakes } from "./tls-handshakes.js";

/** A peer that has vanished without a word is noticed after about this and the system's probes, in milliseconds. */
const KEEP_ALIVE = 60_000;

/** Sockets of refused connections that are still being told so; past this they are simply closed. */
const MAX_REFUSED = 1_000;

/** Of what nobody wants to read any more. */
const ignore = (): void => {};

const UNKNOWN =
  "ringmq: this port speaks the native protocol, which begins with HELLO (first byte 0x00), and those of gmq, in plain text\n";

/** A socket whose handshake goes on, or whose protocol is not known yet. */
interface UnknownSocket {
  /** Of a clock that does not step. */
  readonly deadline: number;
  /** It could speak, and has said nothing: as pools of connections that wait for work do. */
  isSilent: boolean;
}

export class TcpListener implements Port {
  readonly #server: Server;
  readonly #buffer = new ReadBuffer();
  /** Undefined: plain TCP. */
  readonly #tls: TlsHandshakes | undefined;
  readonly #tlsHint: Hint;
  /** By deadline. */
  readonly #unknown = new Map<Socket, UnknownSocket>();
  #sockets = 0;
  #refused = 0;
  /** Undefined: it is not to listen. */
  #address: Address | undefined;

  constructor(
    readonly host: ConnectionHost,
    readonly protocols: readonly Protocol[],
    readonly helloTimeout: number,
    readonly log: Log,
    certificate?: Certificate,
  ) {
    this.#tls = certificate && new TlsHandshakes(certificate, helloTimeout, log);
    this.#tlsHint = new Hint(
      log,
      "a client speaks TLS on the TCP port, which does not: it must connect by tcp://, or the broker needs a certificate",
    );
    this.#server = createServer(
      { noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE, pauseOnConnect: true },
      (accepted: Socket) => {
        const reading: Reading = { onRead: ignore };
        let socket = accepted;
        guard(
          log,
          "a new socket",
          () => {
            if (this.#tls === undefined) socket = this.#buffer.adopt(accepted, reading);
            this.#accept(socket, reading);
          },
          () => socket.destroy(),
        );
      },
    );
    // Errors of listening are reported by `listenOn`.
    this.#server.on("error", (error: NodeJS.ErrnoException) => {
      if (error.syscall === "accept") host.acceptFailed(error);
    });
  }

  /** Sockets whose handshake goes on, or whose protocol is not known yet. */
  get waiting(): number {
    return this.#unknown.size;
  }

  /** All sockets, those that are being closed among them. */
  get sockets(): number {
    return this.#sockets;
  }

  /** Where it listens. Error: the address cannot be had; the text tells why. */
  async listen(wanted: Address): Promise<Address> {
    this.#address = await this.#open(wanted);
    return this.#address;
  }

  pause(): void {
    this.#server.close();
  }

  async resume(): Promise<void> {
    if (this.#address === undefined || this.#server.listening) return;
    await this.#open(this.#address);
    // It was closed for good meanwhile.
    if (this.#address === undefined) this.#server.close();
  }

  async #open(wanted: Address): Promise<Address> {
    const { address, port } = await listenOn(this.#server, "TCP", wanted);
    return { host: address, port };
  }

  /** Handshakes from now on show this certificate; the port has had one since it was made. */
  renew(certificate: Certificate): void {
    this.#tls?.renew(certificate);
  }

  /** Takes no more sockets. Those that are there stay. */
  close(): void {
    this.#address = undefined;
    this.#server.close();
    for (const socket of this.#unknown.keys()) socket.destroy();
  }

  /**
   * Closes sockets whose protocol has been unknown for too long. Those that have said nothing yet stay as long as there is
   * room: clients of gmq may connect long before their first command.
   */
  expire(now: number): void {
    const { isScarce } = this.host;
    for (const [socket, { deadline, isSilent }] of this.#unknown) {
      if (deadline > now) return;
      if (isScarce || !isSilent) socket.destroy();
    }
  }

  #accept(socket: Socket, reading: Reading): void {
    this.#sockets++;
    socket.once("close", () => {
      this.#sockets--;
    });
    // A reset is followed by `close`, and there is nothing else to do about it.
    socket.on("error", (error) => this.log.debug({ error: error.message }, "a socket failed"));
    if (this.host.isCrowded) {
      socket.destroy();
      return;
    }
    if (this.host.isFull) return this.#refuse(socket, "the broker has its maximum of connections");
    const share = shareOf(socket.remoteAddress ?? "");
    const { shares } = this.host;
    if (!shares.admit(share)) {
      return this.#refuse(socket, `an address has at most ${shares.maxPerAddress} connections`);
    }
    socket.once("close", () => shares.release(share));

    const deadline = performance.now() + this.helloTimeout;
    this.#unknown.set(socket, { deadline, isSilent: this.#tls === undefined });
    const forget = (): void => {
      this.#unknown.delete(socket);
    };
    socket.once("close", forget);
    const heard = (isRecognized: boolean): void => {
      forget();
      if (isRecognized) socket.off("close", forget);
      else this.#unknown.set(socket, { deadline: performance.now() + this.helloTimeout, isSilent: false });
    };
    if (this.#tls === undefined) return this.#recognize(socket, reading, heard);
    this.#tls.begin(socket, (secured) => {
      const unknown = this.#unknown.get(socket);
      if (unknown !== undefined) unknown.isSilent = true;
      forward(secured, reading);
      this.#recognize(secured, reading, heard);
    });
  }

  /** Waits for the first bytes, and gives the socket to the protocol whose they are. */
  #recognize(socket: Socket, reading: Reading, heard: (isRecognized: boolean) => void): void {
    let first: Buffer = Buffer.alloc(0);
    const look = (bytes: Buffer): void => {
      const isFirst = first.length === 0;
      first = Buffer.concat([first, bytes]);
      const protocol = recognize(this.protocols, first);
      // Its time begins with its first word, and not anew with each.
      if (protocol === undefined) return isFirst ? heard(false) : undefined;
      heard(true);
      if (protocol !== null) return protocol.accept(socket, reading, first);
      reading.onRead = ignore;
      this.#unknownProtocol(socket, first);
    };
    reading.onRead = (bytes, _view, length) =>
      guard(
        this.log,
        "a new socket",
        () => look(bytes.subarray(0, length)),
        () => socket.destroy(),
      );
  }

  #unknownProtocol(socket: Socket, first: Buffer): void {
    const fields = { peer: socket.remoteAddress, firstByte: first[0] };
    if (this.#tls === undefined && beginsTls(first)) this.#tlsHint.give({ peer: socket.remoteAddress });
    else this.log.debug(fields, "a connection speaks an unknown protocol");
    lingeringEnd(socket, Buffer.from(UNKNOWN));
  }

  #refuse(socket: Socket, text: string): void {
    this.log.warn({ peer: socket.remoteAddress }, `a connection is refused: ${text}`);
    if (this.#refused >= MAX_REFUSED) {
      socket.destroy();
      return;
    }
    this.#refused++;
    socket.once("close", () => {
      this.#refused--;
    });
    const frame = errorFrame("TOO_MANY_CONNECTIONS", text, 0);
    if (this.#tls === undefined) return lingeringEnd(socket, frame);
    // It cannot be told before it has shaken hands, for which it has as long as for its end.
    const timer = setTimeout(() => socket.destroy(), LINGER);
    timer.unref();
    socket.once("close", () => clearTimeout(timer));
    this.#tls.begin(socket, (secured) => lingeringEnd(secured, frame));
  }
}
