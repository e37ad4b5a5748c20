/**
 * `/console/`: the files of the page, and who is logged in there. Everything else the page does over the native protocol, as
 * any client.
 *
 * A cookie says which login a browser has. It is good for what is here and for the WebSocket beside it, which pages of this
 * origin alone may open: so no page of another can ask for anything by it.
 */

import { BodyDeadlines } from "../ports/http/body-intake.js";
import type { HttpRequest } from "../ports/http/engine.js";
import type { HttpEntrance, HttpHandler, PathOptions } from "../ports/http/entrance.js";
import type { HttpExchange } from "../ports/http/exchange.js";
import { LoginCookie } from "./cookie.js";
import { HEADERS, sendFile } from "./file-answers.js";
import { answerJson, JSON_HEADERS, refuse, takeJson } from "./json-exchange.js";
import { type LoginKinds, Logins } from "./logins.js";
import type { PageFile } from "./page-files.js";

/** What there is to be seen in the console, and who says whose a token is. */
export interface ConsoleHost<Who> extends LoginKinds<Who> {
  /** One broker, or many nodes. */
  readonly kind: "broker" | "nodes";
  readonly version: string;
  /** The port speaks TLS. */
  readonly isTls: boolean;
  /** What the page is to know of who asks: whether it has to show a token, and its name where it has one. */
  describe(who: Who | undefined, exchange: HttpExchange): { readonly login: boolean; readonly user: string | null };
  /** Whose a token is; undefined: nobody's. */
  identify(token: string): Who | undefined | Promise<Who | undefined>;
  /** Nobody is asked for a token. */
  readonly isOpenToAll: boolean;
  /** A token was wrong. Answers by how many milliseconds to put the answer off. */
  refused(address: string): number;
  /** Milliseconds of a clock that does not step. */
  now(): number;
}

/** A token has at most 1,024 characters. */
const MAX_LOGIN_BYTES = 8 * 1024;

const INDEX = "index.html";

const UNKNOWN = "what was shown is no token that is known here, or no longer good";
const BAD_BODY = 'the body is JSON, as in {"token": "…"}';

export class ConsoleSite<Who> {
  readonly #entrance: HttpEntrance;
  readonly #host: ConsoleHost<Who>;
  readonly #logins: Logins<Who>;
  readonly #deadlines = new BodyDeadlines();

  /** Adds the paths. */
  constructor(entrance: HttpEntrance, files: readonly PageFile[], host: ConsoleHost<Who>) {
    this.#entrance = entrance;
    this.#host = host;
    this.#logins = new Logins(host);
    for (const file of files) {
      if (file.name !== INDEX) this.#add(`/console/${file.name}`, (...asked) => sendFile(file, ...asked));
    }
    const index = files.find(({ name }) => name === INDEX);
    const page: HttpHandler = (exchange, request) =>
      index === undefined ? sendNoPage(exchange) : sendFile(index, exchange, request);
    this.#add("/console/", page, { reach: "linked" });
    this.#add("/console", redirect, { reach: "linked" });
    const session: HttpHandler = (exchange, request) => this.#session(exchange, request);
    entrance.add("/console/session", session, { ...ALWAYS, isGreeting: true, methods: ["get", "post", "delete"] });
  }

  /** Those who are logged in. */
  get logins(): number {
    return this.#logins.size;
  }

  /** Who a request is of, by its cookie; undefined: nobody who is logged in. */
  who(request: HttpRequest): Who | undefined {
    return this.#logins.find(this.#cookieOf(request).value, this.#host.now());
  }

  /** About once a second. */
  sweep(): void {
    this.#logins.sweep(this.#host.now());
  }

  #add(path: string, handler: HttpHandler, options: PathOptions = {}): void {
    this.#entrance.add(path, handler, { ...ALWAYS, head: handler, methods: ["get"], ...options });
  }

  #session(exchange: HttpExchange, request: HttpRequest): void {
    if (request.method === "get") return this.#describe(exchange, this.who(request));
    if (request.method === "delete") return this.#logOut(exchange, this.#cookieOf(request));
    const cookie = this.#cookieOf(request);
    const { address } = exchange.caller;
    takeJson(exchange, request, this.#deadlines, MAX_LOGIN_BYTES, (body) =>
      this.#logIn(exchange, cookie, address, tokenIn(body)),
    );
  }

  async #logIn(exchange: HttpExchange, cookie: LoginCookie, address: string, token?: string): Promise<void> {
    if (token === undefined) return refuse(exchange, "400 Bad Request", "BAD_BODY", BAD_BODY);
    if (this.#host.isOpenToAll) return this.#describe(exchange, undefined);
    const who = await this.#host.identify(token);
    if (!exchange.open) return;
    if (who === undefined) return this.#turnAway(exchange, address);
    // Another number for each: nobody is logged in under one that somebody else has put there.
    this.#logins.end(cookie.value);
    const id = this.#logins.open(who, address, this.#host.now());
    this.#describe(exchange, who, [["Set-Cookie", cookie.set(id)]]);
  }

  #logOut(exchange: HttpExchange, cookie: LoginCookie): void {
    this.#logins.end(cookie.value);
    exchange.sendNothing("204 No Content", [...JSON_HEADERS, ["Set-Cookie", cookie.clear()]]);
  }

  #turnAway(exchange: HttpExchange, address: string): void {
    const answer = (): void => refuse(exchange, "401 Unauthorized", "UNAUTHORIZED", UNKNOWN);
    const delay = this.#host.refused(address);
    if (delay === 0) answer();
    else setTimeout(() => exchange.run(answer), delay).unref();
  }

  #describe(exchange: HttpExchange, who: Who | undefined, fields: typeof HEADERS = []): void {
    const { kind, version } = this.#host;
    const { login, user } = this.#host.describe(who, exchange);
    const unavailable = this.#entrance.unavailable ?? null;
    answerJson(exchange, { kind, login, user, version, unavailable }, fields);
  }

  #cookieOf(request: HttpRequest): LoginCookie {
    return new LoginCookie(request, this.#host.isTls);
  }
}

/** Whoever asks is shown the page, whatever state the broker is in: it says so itself. */
const ALWAYS: PathOptions = { isOpen: true, isAlways: true, reach: "own" };

/** To the page, from the path above it. */
export const redirect: HttpHandler = (exchange, { method }) => {
  const fields: typeof HEADERS = [...HEADERS, ["Location", "console/"]];
  if (method === "head") exchange.sendNothing("308 Permanent Redirect", fields);
  else exchange.reply("308 Permanent Redirect", undefined, "", fields);
};

const sendNoPage = (exchange: HttpExchange): void =>
  exchange.reply("404 Not Found", "text/plain; charset=utf-8", "the console is not part of this build\n", HEADERS);

/** Undefined: the body has none. */
const tokenIn = (body: unknown): string | undefined => {
  const { token } = Object(body) as { readonly token?: unknown };
  return typeof token === "string" ? token : undefined;
};
