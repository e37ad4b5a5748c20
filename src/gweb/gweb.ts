/** The console of all nodes of a registry or an etcd: its port, and what is answered there. */
import { Access } from "../main/access/access.js";
import { ConsoleSite, redirect } from "../main/console/console-site.js";
import { pageFiles } from "../main/console/page-files.js";
import type { Log } from "../main/log.js";
import { contain } from "../main/native/error-boundary.js";
import type { Address } from "../main/options.js";
import { AddressShares, shareOf } from "../main/ports/address-shares.js";
import type { Certificate } from "../main/ports/certificate.js";
import { Admission } from "../main/ports/http/admission.js";
import type { EngineHost, HttpEngine, HttpRequest, HttpResponse, WebSocketPeer } from "../main/ports/http/engine.js";
import { HttpEntrance, WEBSOCKET_IDLE_TIMEOUT } from "../main/ports/http/entrance.js";
import { HttpGuard } from "../main/ports/http/guard.js";
import { NodeEngine } from "../main/ports/http/node-engine.js";
import { MAX_WEBSOCKET_MESSAGE_BYTES } from "../protocol/limits.js";
import { isLoopback } from "../protocol/loopback.js";
import type { NodeList } from "../registry/administration/index.js";
import { UnauthorizedError } from "../registry/discovery/index.js";
import { Nodes } from "./nodes.js";
import { NodesConsole } from "./nodes-console.js";
import { nodesPath, trustPath } from "./nodes-path.js";
import { NoTarget, Relay, type RelayTarget } from "./relay.js";
import type { Visitor } from "./visitor.js";

/** Sockets at once, and WebSockets among them, of all and of one address: a page has one, that of the nodes one more for each of 32 nodes, and each may hold a megabyte each way. */
const MAX_SOCKETS = 1_024;
const MAX_RELAYS = 256;
const MAX_RELAYS_PER_ADDRESS = 192;

const SWEEP_EVERY = 1_000;

export interface GwebOptions {
  readonly http: Address;
  /** The nodes that there are. */
  readonly list: NodeList;
  /** With it the port speaks TLS. */
  readonly certificate: Certificate | undefined;
  /** PEM: authorities of the certificates of nodes. Undefined: those that Node.js knows. */
  readonly nodeCa: Buffer | undefined;
  readonly log: Log;
}

export interface Gweb {
  /** Where it listens. */
  readonly address: Address;
  /** Connections that come from now on are shown this certificate. It was started with one. */
  renew(certificate: Certificate): void;
  /** Ends all connections. */
  close(): void;
}

/** @throws ListenError when the address cannot be had. */
export const startGweb = async (options: GwebOptions): Promise<Gweb> => {
  const { list, log } = options;
  const nodes = new Nodes(list);
  try {
    await nodes.listed(undefined);
  } catch (error) {
    if (error instanceof UnauthorizedError)
      log.info({}, `${list.name} asks for a token, which is typed at the console`);
    else log.warn({ reason: (error as Error).message }, `${list.name} does not list its nodes; it is asked again`);
  }
  warnOfExposure(options);
  const port = new GwebPort(nodes, options);
  const address = await port.open(options.http);
  return { address, renew: (certificate) => port.renew(certificate), close: () => port.close() };
};

const OPEN =
  "anybody who reaches this address can do to the nodes whatever they let anybody do, and has the whole list: have gweb listen on " +
  "127.0.0.1, or give the registry and the nodes tokens";

const READABLE =
  "tokens that are typed at this address can be read on their way: give gweb a certificate, or have it listen on 127.0.0.1";

const warnOfExposure = ({ http, certificate, log }: GwebOptions): void => {
  if (isLoopback(http.host)) return;
  log.warn({ http: http.host }, OPEN);
  if (certificate === undefined) log.warn({ http: http.host }, READABLE);
};

class GwebPort implements EngineHost {
  readonly log: Log;
  readonly #nodes: Nodes;
  readonly #nodeCa: Buffer | undefined;
  readonly #engine: HttpEngine;
  readonly #entrance: HttpEntrance;
  readonly #site: ConsoleSite<Visitor>;
  readonly #sweeper: NodeJS.Timeout;
  #relays = 0;
  readonly #relayShares = new AddressShares(MAX_RELAYS_PER_ADDRESS);

  constructor(nodes: Nodes, { http, certificate, nodeCa, log }: GwebOptions) {
    this.log = log;
    this.#nodes = nodes;
    this.#nodeCa = nodeCa;
    // uWebSockets.js cannot keep a page from sending.
    this.#engine = new NodeEngine(this, certificate);
    const access = new Access([], log);
    const guard = new HttpGuard({ listensOn: http.host, allowOrigin: [], allowHost: [] });
    this.#entrance = new HttpEntrance(this.#engine, guard, new Admission(UNCOUNTED), log, refusal, access);
    this.#site = new ConsoleSite(
      this.#entrance,
      pageFiles(),
      new NodesConsole(nodes, access, certificate !== undefined),
    );
    const who = (request: HttpRequest): Visitor | undefined => this.#site.who(request);
    this.#entrance.add("/console/nodes", nodesPath(nodes, who), { reach: "own", methods: METHODS });
    this.#entrance.add("/console/trust", trustPath(nodes, who), { reach: "own", methods: ["get", "post"] });
    this.#entrance.add("/", redirect, { reach: "linked", head: redirect, methods: ["get"] });
    this.#entrance.add("/ping", (exchange) => exchange.reply(undefined, "text/plain; charset=utf-8", "OK"));
    this.#engine.addWebSocket("/console/mq", {
      maxMessageBytes: MAX_WEBSOCKET_MESSAGE_BYTES,
      idleTimeout: WEBSOCKET_IDLE_TIMEOUT,
      accept: (request, response) => this.#accept(request, response),
    });
    this.#entrance.addRest();
    this.#sweeper = setInterval(() => this.#site.sweep(), SWEEP_EVERY).unref();
  }

  open(address: Address): Promise<Address> {
    return this.#engine.open(address);
  }

  renew(certificate: Certificate): void {
    this.#engine.renew(certificate);
  }

  close(): void {
    clearInterval(this.#sweeper);
    this.#engine.close();
  }

  admitsSocket(): boolean {
    return this.#engine.plain + this.#engine.webSockets <= MAX_SOCKETS;
  }

  acceptFailed(error: Error): void {
    this.log.error({ reason: error.message }, "a connection could not be accepted");
  }

  #accept(request: HttpRequest, response: HttpResponse): WebSocketPeer | undefined {
    try {
      if (!this.#entrance.admits("/console/mq", request, response, "own")) return undefined;
      const id = new URLSearchParams(request.query).get("node") ?? "";
      const visitor = this.#site.who(request);
      // A request that is accepted here may still come to nothing: only what is opened is counted.
      const share = shareOf(response.remoteAddress);
      let isAdmitted = false;
      let forget: (() => void) | undefined;
      const relay = new Relay(
        async () => {
          isAdmitted = this.#relays < MAX_RELAYS && this.#relayShares.admit(share);
          if (!isAdmitted) throw new NoTarget("TOO_MANY_CONNECTIONS", FULL);
          this.#relays++;
          forget = visitor?.onEnd(() => relay.close());
          return await this.#target(id, visitor);
        },
        () => {
          if (isAdmitted) {
            this.#relays--;
            this.#relayShares.release(share);
          }
          forget?.();
        },
        this.log,
      );
      return relay;
    } catch (error) {
      contain(this.log, "a WebSocket", error, () => response.close());
      return undefined;
    }
  }

  /** A node of the list, whatever the page says. Rejects with a NoTarget. */
  async #target(id: string, visitor: Visitor | undefined): Promise<RelayTarget> {
    try {
      const place = await this.#nodes.placeOf(id, visitor);
      if (place !== undefined) return { url: place.url, token: place.token, ca: this.#nodeCa };
    } catch (error) {
      const isUnauthorized = error instanceof UnauthorizedError;
      throw new NoTarget(isUnauthorized ? "UNAUTHORIZED" : "SHUTTING_DOWN", (error as Error).message);
    }
    throw new NoTarget(
      "SHUTTING_DOWN",
      `no node with the id ${/^\d{1,4}$/.test(id) ? id : "that was asked for"} is listed`,
    );
  }
}

const FULL = `the console has at most ${MAX_RELAYS} connections to nodes, and ${MAX_RELAYS_PER_ADDRESS} of one address`;

const METHODS = ["get", "post", "patch", "delete"];

/** Nothing of it comes to stay but relays, which are counted here. */
const UNCOUNTED = {
  isFull: false,
  shares: new AddressShares(MAX_SOCKETS),
  reserve: () => true,
  release: () => {},
};

/** As `refuse` of the console has it. */
const refusal = (text: string): string => JSON.stringify({ error: { code: "REFUSED", text } });
