/**
 * The door of the HTTP port: whatever comes in comes through here. It asks the guard first, and runs what a path does in
 * the boundary of its request.
 */
import type { HttpRequest, HttpResponse, TemplatedApp } from "uWebSockets.js";
import { failure } from "../front-ends/gmq/http/envelope.js";
import { Exchange, JSON_TYPE } from "../front-ends/gmq/http/exchange.js";
import { UnsentAnswers } from "../front-ends/gmq/http/unsent-answers.js";
import type { Log } from "../log.js";
import { contain } from "../native/boundary.js";
import type { HttpGuard, Verdict } from "./http-guard.js";

/** What a path does; the request must not be used after it returns. A promise is awaited for its errors alone. */
export type HttpHandler = (exchange: Exchange, request: HttpRequest) => unknown;

const BAD_REQUEST = "400 Bad Request";
const FORBIDDEN = "403 Forbidden";
const NOT_FOUND = "404 Not Found";

export class HttpEntrance {
  readonly unsent = new UnsentAnswers();
  readonly #app: TemplatedApp;
  readonly #guard: HttpGuard;
  readonly #log: Log;

  constructor(app: TemplatedApp, guard: HttpGuard, log: Log) {
    this.#app = app;
    this.#guard = guard;
    this.#log = log;
  }

  /** HEAD is answered and does nothing: what the path would answer would be lost. */
  add(path: string, handler: HttpHandler): void {
    this.#app.head(path, (response, request) => this.#enter(path, response, request, answerHead));
    this.#app.any(path, (response, request) => this.#enter(path, response, request, handler));
  }

  /** What all other paths answer; to be called last. */
  addRest(): void {
    const path = "/*";
    this.#app.head(path, (response, request) => this.#enter(path, response, request, answerNoHead));
    this.#app.any(path, (response, request) => this.#enter(path, response, request, answerNothing));
  }

  /** Whether a request to become a WebSocket may. It is answered when it may not. */
  admits(path: string, response: HttpResponse, request: HttpRequest): boolean {
    const verdict = this.#guard.check(request);
    if (verdict === undefined || verdict.kind === "allowed") return true;
    refuse(new Exchange(response, this.unsent, this.#log, path), verdict);
    return false;
  }

  #enter(path: string, response: HttpResponse, request: HttpRequest, handler: HttpHandler): void {
    try {
      const verdict = this.#guard.check(request);
      const isAllowed = verdict?.kind === "allowed";
      const exchange = new Exchange(response, this.unsent, this.#log, path, isAllowed ? verdict.origin : undefined);
      if (verdict !== undefined && !isAllowed) exchange.run(() => refuse(exchange, verdict));
      else if (isAllowed && isPreflight(request)) exchange.run(() => exchange.sendPreflight());
      else exchange.run(() => handler(exchange, request));
    } catch (error) {
      contain(this.#log, path, error, () => response.close());
    }
  }
}

const refuse = (exchange: Exchange, verdict: NonNullable<Verdict>): void => {
  if (verdict.kind === "malformed") exchange.reject(BAD_REQUEST, failure(verdict.text));
  else if (verdict.kind === "foreign") exchange.reply(FORBIDDEN, JSON_TYPE, failure(verdict.text));
};

/** A browser asks whether it may send what the page wants. */
const isPreflight = (request: HttpRequest): boolean =>
  request.getMethod() === "options" && request.getHeader("access-control-request-method") !== "";

const answerHead: HttpHandler = (exchange) => exchange.sendNothing(undefined);
const answerNoHead: HttpHandler = (exchange) => exchange.sendNothing(NOT_FOUND);
const answerNothing: HttpHandler = (exchange) => exchange.reply(NOT_FOUND, undefined, "not found");
