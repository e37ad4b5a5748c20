/**
 * The door of the HTTP port: whatever comes in comes through here. It asks the guard first, and runs what a path does in
 * the boundary of its request.
 */
import type { Log } from "../../log.js";
import { contain } from "../../native/error-boundary.js";
import type { Admission } from "./admission.js";
import type { Carried, StreamClient, WebSocketClient, WebSocketCodec, WebSocketFrontEnd } from "./carried.js";
import type { HttpEngine, HttpRequest, HttpResponse, WebSocketPeer } from "./engine.js";
import { type ExchangeContext, HttpExchange, JSON_TYPE } from "./exchange.js";
import { FrontEndWebSocket } from "./front-end-web-socket.js";
import type { HttpGuard, Verdict } from "./guard.js";
import { StreamExchange } from "./stream-exchange.js";
import { UnsentAnswers } from "./unsent-answers.js";

/** What becomes of a request to be a WebSocket. Undefined: nothing, and `refuse` has said why. */
export type WebSocketHandler = (
  request: HttpRequest,
  refuse: (status: string, json: string) => void,
) => ((client: WebSocketClient) => WebSocketCodec) | undefined;

/** In seconds. */
export const WEBSOCKET_IDLE_TIMEOUT = 120;

/** What a path does; the request must not be used after it returns. A promise is awaited for its errors alone. */
export type HttpHandler = (exchange: HttpExchange, request: HttpRequest) => unknown;

const BAD_REQUEST = "400 Bad Request";
const FORBIDDEN = "403 Forbidden";
const UNAVAILABLE = "503 Service Unavailable";
const NOT_FOUND = "404 Not Found";

export class HttpEntrance implements ExchangeContext {
  readonly unsent = new UnsentAnswers();
  /** Why all but the paths of `addAlways` answer 503 at present; undefined: they do not. */
  unavailable: string | undefined;
  readonly #engine: HttpEngine;
  readonly #guard: HttpGuard;
  readonly #admission: Admission;

  constructor(
    engine: HttpEngine,
    guard: HttpGuard,
    admission: Admission,
    readonly log: Log,
    readonly refusal: (text: string) => string,
  ) {
    this.#engine = engine;
    this.#guard = guard;
    this.#admission = admission;
  }

  /** HEAD is answered and does nothing: what the path would answer would be lost. */
  add(path: string, handler: HttpHandler): void {
    this.addAlways(
      path,
      (exchange, request) =>
        this.unavailable === undefined ? handler(exchange, request) : this.#answerUnavailable(exchange),
      (exchange) => exchange.sendNothing(this.unavailable && UNAVAILABLE),
    );
  }

  /** The same for a path that answers whether the broker is available or not. */
  addAlways(path: string, handler: HttpHandler, head = answerHead): void {
    this.#engine.add("head", path, (request, response) => this.#enter(path, request, response, head));
    this.#engine.add("any", path, (request, response) => this.#enter(path, request, response, handler));
  }

  /** Adds a path of WebSockets; a request that is none goes to what `add` has added for it. */
  addWebSocket(path: string, { maxMessageBytes, reservedBytes }: WebSocketFrontEnd, handler: WebSocketHandler): void {
    const accept = (request: HttpRequest, response: HttpResponse): WebSocketPeer | undefined => {
      if (!this.admits(path, request, response)) return undefined;
      const open = handler(request, (status, json) => {
        new HttpExchange(response, this, path).reply(status, JSON_TYPE, json);
      });
      return open && new FrontEndWebSocket(this.#admission, reservedBytes, open, this.log, path);
    };
    this.#engine.addWebSocket(path, {
      maxMessageBytes,
      idleTimeout: WEBSOCKET_IDLE_TIMEOUT,
      accept: (request, response) => {
        try {
          return accept(request, response);
        } catch (error) {
          contain(this.log, path, error, () => response.close());
          return undefined;
        }
      },
    });
  }

  /**
   * Answers a request without an end: `open` makes what stands for its client. To be called before the handler returns.
   * Where an address has as many connections as it may, the request is refused: `refusal` makes the JSON of that.
   */
  stream(exchange: HttpExchange, refusal: (text: string) => string, open: (client: StreamClient) => Carried): void {
    const place = this.#admission.stream(exchange.remoteAddress);
    if (typeof place === "string") return exchange.reply(UNAVAILABLE, JSON_TYPE, refusal(place));
    new StreamExchange(exchange, place, refusal("the broker is stopping")).carry(open);
  }

  /** What all other paths answer; to be called last. */
  addRest(): void {
    this.addAlways("/*", answerNothing, answerNoHead);
  }

  /** Whether a request to become a WebSocket may. It is answered when it may not. */
  admits(path: string, request: HttpRequest, response: HttpResponse): boolean {
    const verdict = this.#guard.check(request);
    const isAllowed = verdict === undefined || verdict.kind === "allowed";
    if (isAllowed && this.unavailable === undefined) return true;
    const exchange = new HttpExchange(response, this, path);
    if (isAllowed) this.#answerUnavailable(exchange);
    else this.#refuse(exchange, verdict);
    return false;
  }

  #answerUnavailable(exchange: HttpExchange): void {
    exchange.reply(UNAVAILABLE, JSON_TYPE, this.refusal(this.unavailable ?? ""));
  }

  #enter(path: string, request: HttpRequest, response: HttpResponse, handler: HttpHandler): void {
    try {
      const verdict = this.#guard.check(request);
      const isAllowed = verdict?.kind === "allowed";
      const exchange = new HttpExchange(response, this, path, isAllowed ? verdict.origin : undefined);
      if (verdict !== undefined && !isAllowed) exchange.run(() => this.#refuse(exchange, verdict));
      else if (isAllowed && isPreflight(request)) exchange.run(() => exchange.sendPreflight());
      else exchange.run(() => handler(exchange, request));
    } catch (error) {
      contain(this.log, path, error, () => response.close());
    }
  }

  #refuse(exchange: HttpExchange, verdict: NonNullable<Verdict>): void {
    if (verdict.kind === "malformed") exchange.reject(BAD_REQUEST, this.refusal(verdict.text));
    else if (verdict.kind === "foreign") exchange.reply(FORBIDDEN, JSON_TYPE, this.refusal(verdict.text));
  }
}

/** A browser asks whether it may send what the page wants. */
const isPreflight = (request: HttpRequest): boolean =>
  request.method === "options" && request.header("access-control-request-method") !== "";

const answerHead: HttpHandler = (exchange) => exchange.sendNothing(undefined);
const answerNoHead: HttpHandler = (exchange) => exchange.sendNothing(NOT_FOUND);
const answerNothing: HttpHandler = (exchange) => exchange.reply(NOT_FOUND, undefined, "not found");
