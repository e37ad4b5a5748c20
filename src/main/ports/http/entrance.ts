/**
 * The door of the HTTP port: whatever comes in comes through here. It asks the guard first, and runs what a path does in
 * the boundary of its request.
 */
import type { Access } from "../../access/access.js";
import type { Log } from "../../log.js";
import { contain } from "../../native/error-boundary.js";
import { shareOf } from "../address-shares.js";
import type { Admission } from "./admission.js";
import { identify, showsToken } from "./caller.js";
import type { Carried, StreamClient, WebSocketClient, WebSocketCodec, WebSocketFrontEnd } from "./carried.js";
import type { AnswerHead, HttpEngine, HttpRequest, HttpResponse, WebSocketPeer } from "./engine.js";
import { type ExchangeContext, HttpExchange, JSON_TYPE, type RefusalBody } from "./exchange.js";
import { FrontEndWebSocket } from "./front-end-web-socket.js";
import type { HttpGuard, Reach, Verdict } from "./guard.js";
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

/** What is to be said of a path. */
export interface PathOptions {
  /** It answers whoever asks: it tells whether the broker is well, and nothing else. */
  readonly isOpen?: boolean;
  /** It is open, and is told who asks where that is shown. A wrong token is refused as everywhere. */
  readonly isGreeting?: boolean;
  /** Whoever publishes faster than it may is told to come later. */
  readonly publishes?: boolean;
  /** It tells of the broker as a whole, to users that may operate it. */
  readonly operates?: boolean;
  /** It answers while the broker is not available too. */
  readonly isAlways?: boolean;
  /** Which pages it answers. Default: `named`. */
  readonly reach?: Reach;
  /** How it says no, whoever says it. Default: as the port does. */
  readonly refusal?: RefusalBody;
  /** What it does for HEAD. Default: answers, and does nothing. */
  readonly head?: HttpHandler;
  /** In lower case, the methods that it takes beside HEAD; others are answered with 405. Default: all. */
  readonly methods?: readonly string[];
}

const BAD_REQUEST = "400 Bad Request";
const UNAUTHORIZED = "401 Unauthorized";
const TOO_MANY = "429 Too Many Requests";
const FORBIDDEN = "403 Forbidden";

/** It tells nothing of what there is. */
const UNKNOWN = "a token of this broker is needed: Authorization: Bearer …";
const CHALLENGE: AnswerHead["fields"] = [["WWW-Authenticate", "Bearer"]];
const NOT_ALLOWED = "your permissions do not allow this";
const TOO_FAST = "more is published than your limits allow, try again later";

/** A browser always says from where a page opens a WebSocket. */
const NO_PAGE: Verdict = { kind: "foreign", text: "this is for pages of the broker's own origin; programs use /mq" };

const UNAVAILABLE = "503 Service Unavailable";
const NOT_FOUND = "404 Not Found";
const NOT_THIS_METHOD = "405 Method Not Allowed";

export interface HttpPath extends PathOptions {
  readonly path: string;
}

/** What a path does for a method. */
interface Way extends HttpPath {
  readonly handler: HttpHandler;
  readonly context: ExchangeContext;
}

export class HttpEntrance implements ExchangeContext {
  readonly unsent = new UnsentAnswers();
  /** Paths of WebSockets, also those that the port itself has added. */
  readonly webSockets = new Set<string>();
  readonly #paths: HttpPath[] = [];
  /** Why all but the paths that answer always answer 503 at present; undefined: they do not. */
  unavailable: string | undefined;
  /** Why nobody may come to stay, as a WebSocket or for an answer without an end; undefined: they may. */
  #stops: string | undefined;
  readonly #engine: HttpEngine;
  readonly #guard: HttpGuard;
  readonly #admission: Admission;
  readonly #access: Access;

  constructor(
    engine: HttpEngine,
    guard: HttpGuard,
    admission: Admission,
    readonly log: Log,
    readonly refusal: RefusalBody,
    access: Access,
  ) {
    this.#access = access;
    this.#engine = engine;
    this.#guard = guard;
    this.#admission = admission;
  }

  /**
   * Lets nobody in who would stay. The port stays open while the broker stops, so that a load balancer hears 503 of `/readyz`
   * and not nothing.
   */
  stop(reason: string): void {
    this.#stops = reason;
  }

  /** HEAD is answered and does nothing: what the path would answer would be lost. */
  add(path: string, handler: HttpHandler, options: PathOptions = {}): void {
    this.#paths.push({ path, ...options });
    const context = this.#contextOf(options.refusal);
    const head: Way = { path, context, handler: options.head ?? answerHead, ...options, publishes: false };
    const any: Way = { path, context, handler, ...options };
    this.#engine.add("head", path, (request, response) => this.#enter(head, request, response));
    this.#engine.add("any", path, (request, response) => this.#enter(any, request, response));
  }

  /** All that have been added. */
  get paths(): readonly HttpPath[] {
    return this.#paths;
  }

  /** Adds a path of WebSockets; a request that is none goes to what `add` has added for it. */
  addWebSocket(path: string, frontEnd: WebSocketFrontEnd, handler: WebSocketHandler): void {
    const { maxMessageBytes, reservedBytes, reach, refusal } = frontEnd;
    const context = this.#contextOf(refusal);
    this.webSockets.add(path);
    const accept = (request: HttpRequest, response: HttpResponse): WebSocketPeer | undefined => {
      if (!this.admits(path, request, response, reach, context)) return undefined;
      const credential = this.#access.isOn ? identify(this.#access, request, response) : undefined;
      if (credential === undefined && this.#access.isOn) {
        return this.#turnAway(new HttpExchange(response, context, path), response);
      }
      const open = handler(request, (status, json) => {
        new HttpExchange(response, context, path).reply(status, JSON_TYPE, json);
      });
      return open && new FrontEndWebSocket(this.#admission, reservedBytes, open, this.log, path, credential);
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
    const place = this.#stops ?? this.#admission.stream(exchange.caller);
    if (typeof place === "string") return exchange.reply(UNAVAILABLE, JSON_TYPE, refusal(place));
    new StreamExchange(exchange, place, refusal("the broker is stopping")).carry(open);
  }

  /** What all other paths answer; to be called last. */
  addRest(): void {
    const path = "/*";
    const head = { path, context: this, handler: answerNoHead, isAlways: true };
    const any = { path, context: this, handler: answerNothing, isAlways: true };
    this.#engine.add("head", path, (request, response) => this.#enter(head, request, response));
    this.#engine.add("any", path, (request, response) => this.#enter(any, request, response));
  }

  /** Whether a request to become a WebSocket may. It is answered when it may not. */
  admits(
    path: string,
    request: HttpRequest,
    response: HttpResponse,
    reach?: Reach,
    context: ExchangeContext = this,
  ): boolean {
    const isNobodys = reach === "own" && request.header("origin") === "";
    const verdict = isNobodys ? NO_PAGE : this.#guard.check(request, reach);
    const isAllowed = verdict === undefined || verdict.kind === "allowed";
    const hindrance = this.unavailable ?? this.#stops;
    if (isAllowed && hindrance === undefined) return true;
    const exchange = new HttpExchange(response, context, path);
    if (isAllowed) exchange.refuse(UNAVAILABLE, hindrance ?? "");
    else refuse(exchange, verdict);
    return false;
  }

  #contextOf(refusal: RefusalBody | undefined): ExchangeContext {
    return refusal === undefined ? this : { log: this.log, unsent: this.unsent, refusal };
  }

  #enter(way: Way, request: HttpRequest, response: HttpResponse): void {
    const { path, context } = way;
    try {
      const verdict = this.#guard.check(request, way.reach);
      const isAllowed = verdict?.kind === "allowed";
      const exchange = new HttpExchange(response, context, path, isAllowed ? verdict.origin : undefined);
      if (verdict !== undefined && !isAllowed) exchange.run(() => refuse(exchange, verdict));
      else if (isAllowed && isPreflight(request)) exchange.run(() => exchange.sendPreflight());
      else exchange.run(() => this.#answer(way, exchange, request, response));
    } catch (error) {
      contain(this.log, path, error, () => response.close());
    }
  }

  /** Asks who it is, unless that is nobody's business, and does what the path does. */
  #answer(way: Way, exchange: HttpExchange, request: HttpRequest, response: HttpResponse): unknown {
    const { isOpen, isGreeting, publishes, operates } = way;
    const isAsked = this.#access.isOn && (isOpen !== true || isGreeting === true);
    if (!isAsked) return this.#carryOut(way, exchange, request);
    const credential = identify(this.#access, request, response);
    if (credential === undefined && (isOpen !== true || showsToken(request))) return this.#turnAway(exchange, response);
    exchange.credential = credential;
    if (credential === undefined || isOpen === true) return this.#carryOut(way, exchange, request);
    const wait = publishes === true ? credential.user.publishWait(this.#access.now()) : 0;
    if (wait > 0) return putOff(exchange, wait);
    if (operates === true && !credential.user.mayOperate) return exchange.refuse(FORBIDDEN, NOT_ALLOWED);
    return this.#carryOut(way, exchange, request);
  }

  #carryOut({ handler, isAlways, methods }: Way, exchange: HttpExchange, request: HttpRequest): unknown {
    if (methods !== undefined && request.method !== "head" && !methods.includes(request.method)) {
      return refuseMethod(exchange, methods);
    }
    if (this.unavailable === undefined || isAlways === true) return handler(exchange, request);
    if (request.method === "head") return exchange.sendNothing(UNAVAILABLE);
    return exchange.refuse(UNAVAILABLE, this.unavailable);
  }

  #turnAway(exchange: HttpExchange, { remoteAddress }: HttpResponse): undefined {
    const delay = this.#access.refused(shareOf(remoteAddress), "http");
    const answer = (): void => exchange.refuse(UNAUTHORIZED, UNKNOWN, CHALLENGE);
    if (delay === 0) answer();
    else setTimeout(() => exchange.run(answer), delay).unref();
  }
}

const putOff = (exchange: HttpExchange, wait: number): void =>
  exchange.refuse(TOO_MANY, TOO_FAST, [["Retry-After", String(Math.ceil(wait / 1_000))]]);

const refuseMethod = (exchange: HttpExchange, methods: readonly string[]): void => {
  const allowed = ["head", ...methods].map((method) => method.toUpperCase());
  const text = `this path takes ${allowed.slice(1).join(" and ")}`;
  exchange.refuse(NOT_THIS_METHOD, text, [["Allow", allowed.join(", ")]]);
};

const refuse = (exchange: HttpExchange, verdict: NonNullable<Verdict>): void => {
  if (verdict.kind === "malformed") exchange.reject(BAD_REQUEST, verdict.text);
  else if (verdict.kind === "foreign") exchange.refuse(FORBIDDEN, verdict.text);
};

/** A browser asks whether it may send what the page wants. */
const isPreflight = (request: HttpRequest): boolean =>
  request.method === "options" && request.header("access-control-request-method") !== "";

const answerHead: HttpHandler = (exchange) => exchange.sendNothing(undefined);
const answerNoHead: HttpHandler = (exchange) => exchange.sendNothing(NOT_FOUND);
const answerNothing: HttpHandler = (exchange) => exchange.reply(NOT_FOUND, undefined, "not found");
