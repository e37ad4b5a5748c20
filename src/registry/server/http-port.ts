/** The HTTP or HTTPS port of a registry: who may ask, what a request may cost, and its way to an answer and back. */
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import type { Log } from "../../main/log.js";
import { HttpGuard, type Verdict } from "../../main/ports/http/guard.js";
import { listenOn } from "../../main/ports/listen-error.js";
import type { RegistryCertificate, ResolvedOptions } from "./options.js";
import { type Requests, refusal } from "./requests.js";

/** A node asks every few seconds and a client when it connects: connections beyond this are somebody's mistake. */
const MAX_CONNECTIONS = 1024;

/** Two addresses of the greatest length in a query, and the headers that browsers send. */
const MAX_HEAD_BYTES = 16 * 1024;

/** Nothing that is asked here has a body; a form that somebody sends nonetheless is read and dropped. */
const MAX_BODY_BYTES = 64 * 1024;

/** Milliseconds for a request to come whole, and for a connection without one. */
const REQUEST_TIMEOUT = 10_000;
const IDLE_TIMEOUT = 30_000;

export interface HttpPort {
  readonly address: AddressInfo;
  renewCertificate(tls: RegistryCertificate): void;
  /** Stops listening, waits for the answers under way up to `timeout` milliseconds, then cuts them off. */
  close(timeout: number): Promise<void>;
}

/** @throws ListenError when the address cannot be had. */
export const openHttpPort = async (requests: Requests, options: ResolvedOptions): Promise<HttpPort> => {
  const limits = {
    maxHeaderSize: MAX_HEAD_BYTES,
    headersTimeout: REQUEST_TIMEOUT,
    requestTimeout: REQUEST_TIMEOUT,
    keepAliveTimeout: IDLE_TIMEOUT,
    connectionsCheckingInterval: 1000,
  };
  const { tls, allowHost, allowOrigin, log } = options;
  const server = tls === undefined ? http.createServer(limits) : https.createServer({ ...limits, ...tls });
  server.maxConnections = MAX_CONNECTIONS;
  const guard = new HttpGuard({ listensOn: options.http.host, allowHost, allowOrigin });
  server.on("request", (request, response) => {
    // A connection that is kept open would hold up a registry that closes.
    const isClosing = (): boolean => !server.listening;
    serve(requests, guard, isClosing, request, response).catch((error: unknown) => {
      log.error({ reason: error instanceof Error ? error.stack : String(error) }, "a request failed");
      if (!response.headersSent) send(request, response, 500, refusal("internal error"));
      else response.destroy();
    });
  });
  const address = await listenOn(server, "HTTP", options.http);
  // Such as too many open files: the port goes on.
  server.on("error", (error) => log.error({ reason: error.message }, "the HTTP port has a problem"));
  return {
    address,
    renewCertificate: (renewed) => {
      if (!(server instanceof https.Server)) throw new Error("the registry serves HTTP, without a certificate");
      server.setSecureContext({ ...renewed });
    },
    close: (timeout) => close(server, timeout, log),
  };
};

const serve = async (
  requests: Requests,
  guard: HttpGuard,
  isClosing: () => boolean,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  dropBody(request);
  // Of a connection that is gone: there is nobody to tell.
  response.on("error", () => {});
  const verdict = guard.check({ eachHeader: (callback) => eachHeader(request, callback) });
  if (verdict !== undefined && verdict.kind !== "allowed") return refuse(request, response, verdict);
  if (verdict !== undefined) {
    response.setHeader("Access-Control-Allow-Origin", verdict.origin);
    response.setHeader("Vary", "Origin");
  }
  if (request.method === "OPTIONS") {
    response.setHeader("Access-Control-Allow-Methods", "GET");
    response.writeHead(204).end();
    return;
  }
  const url = request.url ?? "";
  const mark = url.indexOf("?");
  const path = mark < 0 ? url : url.slice(0, mark);
  if (path === "/ping") return send(request, response, 200, "OK", "text/plain; charset=utf-8");
  // A HEAD is a question about an answer, and carries nothing out.
  const isQuestion = request.method === "HEAD" && path !== "/getNodes";
  const query = new URLSearchParams(isQuestion || mark < 0 ? "" : url.slice(mark + 1));
  const answer = await requests.answer(path, query, () => response.destroyed);
  if (isClosing()) response.setHeader("Connection", "close");
  if (answer === undefined) return send(request, response, 404, "not found", "text/plain; charset=utf-8");
  send(request, response, 200, answer);
};

const eachHeader = (request: IncomingMessage, callback: (name: string, value: string) => void): void => {
  const { rawHeaders } = request;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    callback((rawHeaders[at] ?? "").toLowerCase(), rawHeaders[at + 1] ?? "");
  }
};

const FOREIGN = "pages of other sites may not use this registry, and it must be called by its address";

const refuse = (
  request: IncomingMessage,
  response: ServerResponse,
  verdict: Extract<Verdict, { readonly text: string }>,
): void => {
  response.setHeader("Connection", "close");
  if (verdict.kind === "malformed") send(request, response, 400, refusal(verdict.text));
  else send(request, response, 403, refusal(FOREIGN));
};

const dropBody = (request: IncomingMessage): void => {
  let bytes = 0;
  request.on("data", (part: Buffer) => {
    bytes += part.length;
    if (bytes > MAX_BODY_BYTES) request.destroy();
  });
};

const send = (
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  body: string,
  type = "application/json",
): void => {
  const bytes = Buffer.from(body);
  response.writeHead(status, { "Content-Type": type, "Content-Length": bytes.length, "Cache-Control": "no-store" });
  response.end(request.method === "HEAD" ? undefined : bytes);
};

const close = (server: http.Server | https.Server, timeout: number, log: Log): Promise<void> =>
  new Promise((resolve) => {
    const limit = setTimeout(() => {
      log.warn({}, "connections were cut off");
      server.closeAllConnections();
    }, timeout);
    server.close(() => {
      clearTimeout(limit);
      resolve();
    });
    server.closeIdleConnections();
  });
