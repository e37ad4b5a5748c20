/** The HTTP port: the native protocol over WebSocket, and the paths that front ends add. */
import { MAX_WEBSOCKET_MESSAGE_BYTES } from "../../../protocol/limits.js";
import type { Access } from "../../access/access.js";
import type { Credential } from "../../access/user.js";
import type { Log } from "../../log.js";
import { contain } from "../../native/error-boundary.js";
import type { Address } from "../../options.js";
import { shareOf } from "../address-shares.js";
import type { Certificate } from "../certificate.js";
import type { ConnectionHost, SocketHost } from "../connection-host.js";
import type { Port } from "../descriptor-watch.js";
import { Admission } from "./admission.js";
import { showsToken } from "./caller.js";
import type { EngineHost, HttpEngine, HttpEngineFactory, HttpRequest, HttpResponse, WebSocketPeer } from "./engine.js";
import { HttpEntrance, WEBSOCKET_IDLE_TIMEOUT } from "./entrance.js";
import type { RefusalBody } from "./exchange.js";
import type { HttpGuard, Reach } from "./guard.js";
import { NativeWebSocket, WEBSOCKET } from "./native-web-socket.js";
import { WebSocketGathering } from "./websocket-gathering.js";

/** A path on which the native protocol is spoken. */
export interface NativeDoor {
  readonly path: string;
  /** Which pages may come; `own`: pages alone. Default: `named`. */
  readonly reach?: Reach;
  /** Who comes, where that is known before its HELLO. */
  readonly identify?: (request: HttpRequest, response: HttpResponse) => Credential | undefined;
}

export class HttpListener implements Port, EngineHost {
  /** Where paths are added. */
  readonly entrance: HttpEntrance;
  readonly #engine: HttpEngine;
  readonly #host: SocketHost;
  readonly #admission: Admission;
  readonly #gathering: WebSocketGathering;
  /** Undefined: it is not to listen. */
  #address: Address | undefined;

  /** @param refusal makes the JSON of a refusal */
  constructor(
    host: SocketHost,
    httpGuard: HttpGuard,
    readonly log: Log,
    makeEngine: HttpEngineFactory,
    refusal: RefusalBody,
    access: Access,
  ) {
    this.#host = host;
    this.#admission = new Admission(host);
    this.#gathering = new WebSocketGathering(log);
    this.#engine = makeEngine(this);
    this.entrance = new HttpEntrance(this.#engine, httpGuard, this.#admission, log, refusal, access);
  }

  /** Adds the native protocol. */
  addNative(host: ConnectionHost, door: NativeDoor): void {
    this.entrance.webSockets.add(door.path);
    this.#engine.addWebSocket(door.path, {
      maxMessageBytes: MAX_WEBSOCKET_MESSAGE_BYTES,
      idleTimeout: WEBSOCKET_IDLE_TIMEOUT,
      accept: (request, response) => this.#accept(host, door, request, response),
    });
  }

  /** Sockets that are not WebSockets. */
  get plain(): number {
    return this.#engine.plain;
  }

  /** Clients have not taken all of their answers. */
  get isSending(): boolean {
    return this.entrance.unsent.bytes > 0 || this.#engine.isSending;
  }

  /** All sockets, those that are being closed among them. */
  get sockets(): number {
    return this.#engine.plain + this.#engine.webSockets;
  }

  /**
   * Where it listens; call it when all paths have been added.
   *
   * @throws ListenError when the address cannot be had; the text tells why.
   */
  async listen(wanted: Address): Promise<Address> {
    this.entrance.addRest();
    this.#address = await this.#engine.open(wanted);
    return this.#address;
  }

  pause(): void {
    this.#engine.pause();
  }

  async resume(): Promise<void> {
    if (this.#address === undefined || this.#engine.isListening) return;
    await this.#engine.open(this.#address);
    // It was closed for good meanwhile.
    if (this.#address === undefined) this.#engine.pause();
  }

  renew(certificate: Certificate): void {
    this.#engine.renew(certificate);
  }

  /** Takes no more connections. Those that are there stay. */
  closePort(): void {
    this.#address = undefined;
    this.#engine.pause();
  }

  /** Closes everything at once. */
  close(): void {
    this.#address = undefined;
    this.#engine.close();
  }

  admitsSocket(): boolean {
    try {
      return !this.#host.isOverLimit;
    } catch (error) {
      contain(this.log, "a new socket", error, () => {});
      return false;
    }
  }

  acceptFailed(error: Error): void {
    this.#host.acceptFailed(error);
  }

  #accept(
    host: ConnectionHost,
    { path, reach, identify }: NativeDoor,
    request: HttpRequest,
    response: HttpResponse,
  ): WebSocketPeer | undefined {
    try {
      if (!this.entrance.admits(path, request, response, reach)) return undefined;
      const address = shareOf(response.remoteAddress);
      // Where a token is shown that is wrong, the certificate does not count.
      const names = showsToken(request) ? [] : response.certificateNames;
      const origin = { address, names, login: identify?.(request, response) };
      return new NativeWebSocket(host, this.#admission, this.#gathering, this.log, origin);
    } catch (error) {
      contain(this.log, WEBSOCKET, error, () => response.close());
      return undefined;
    }
  }
}
