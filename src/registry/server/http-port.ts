/** The HTTP or HTTPS port of a registry: who may ask, what a request may cost, and its way to an answer and back. */
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import https from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { Access } from "../../main/access/access.js";
import type { Log } from "../../main/log.js";
import { shareOf } from "../../main/ports/address-shares.js";
import { tokenOf } from "../../main/ports/http/caller.js";
import { HttpGuard, type Verdict } from "../../main/ports/http/guard.js";
import { NodeRequest } from "../../main/ports/http/node-request.js";
import { listenOn } from "../../main/ports/listening.js";
import type { RegistryCertificate, ResolvedOptions } from "./options.js";
import { type Requests, refusal } from "./requests.js";

/** A node asks every few seconds and a client when it connects: connections beyond this are somebody's mistake. */
const MAX_CONNECTIONS = 1024;

/** Two addresses of the greatest length in a query, and the headers that browsers send. */
const MAX_HEAD_BYTES = 16 * 1024;

/** Nothing that is asked here has a body; a form that somebody sends nonetheless is read and dropped. */
const MAX_BODY_BYTES = 64 * 1024;

/** Requests of a connection that are not answered yet. Nodes and clients send one after the other. */
const MAX_PIPELINED = 16;

export interface HttpPort {
  readonly address: AddressInfo;
  renewCertificate(tls: RegistryCertificate): void;
  /** Stops listening, waits for the answers under way up to `timeout` milliseconds, then cuts them off. */
  close(timeout: number): Promise<void>;
}

/** @throws ListenError when the address cannot be had. */
export const openHttpPort = async (requests: Requests, options: ResolvedOptions): Promise<HttpPort> => {
  const { tls, allowHost, allowOrigin, requestTimeout, idleTimeout, log } = options;
  const limits = {
    maxHeaderSize: MAX_HEAD_BYTES,
    headersTimeout: requestTimeout,
    requestTimeout,
    keepAliveTimeout: idleTimeout,
    connectionsCheckingInterval: Math.min(1000, requestTimeout),
  };
  const server = tls === undefined ? http.createServer(limits) : https.createServer({ ...limits, ...tls });
  server.maxConnections = MAX_CONNECTIONS;
  // Of a connection on which nothing moves, such as one whose answers are not read.
  server.timeout = idleTimeout;
  // All that fit in a head: node drops what is above a limit, and the guard must see what there is.
  server.maxHeadersCount = 0;
  if (server instanceof https.Server) boundHandshakes(server, requestTimeout);
  const unanswered = new WeakMap<Socket, number>();
  const door: Door = {
    guard: new HttpGuard({ listensOn: options.http.host, allowHost, allowOrigin }),
    access: accessOf(options),
    // A connection that is kept open would hold up a registry that closes.
    isClosing: () => !server.listening,
  };
  server.on("request", (request, response) => {
    if (!admits(unanswered, request, response)) return;
    serve(requests, door, request, response).catch((error: unknown) => {
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

/** Whoever sends requests without waiting for answers, let alone reading them, is cut off. */
const admits = (
  unanswered: WeakMap<Socket, number>,
  { socket }: IncomingMessage,
  response: ServerResponse,
): boolean => {
  const count = unanswered.get(socket) ?? 0;
  if (socket.destroyed || count >= MAX_PIPELINED) {
    socket.destroy();
    return false;
  }
  unanswered.set(socket, count + 1);
  response.once("close", () => unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1));
  return true;
};

/** What a socket of TLS and the one under it have in common. */
const pathOf = ({ remoteAddress, remotePort, localAddress, localPort }: Socket): string =>
  `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;

/** Node's own timeout for handshakes is one for silence. */
const boundHandshakes = (server: https.Server, timeout: number): void => {
  const timers = new Map<string, NodeJS.Timeout>();
  server.on("connection", (socket: Socket) => {
    const path = pathOf(socket);
    const timer = setTimeout(() => socket.destroy(), timeout).unref();
    timers.set(path, timer);
    socket.once("close", () => {
      clearTimeout(timer);
      if (timers.get(path) === timer) timers.delete(path);
    });
  });
  server.on("secureConnection", (socket) => {
    clearTimeout(timers.get(pathOf(socket)));
    timers.delete(pathOf(socket));
  });
};

/** What stands before all requests. */
interface Door {
  readonly guard: HttpGuard;
  readonly access: Access;
  isClosing(): boolean;
}

/** Without tokens nobody is asked. */
const accessOf = ({ tokens, log }: ResolvedOptions): Access =>
  new Access(tokens.length === 0 ? [] : [{ name: "registry", tokens, permissions: [] }], log);

const serve = async (
  requests: Requests,
  { guard, access, isClosing }: Door,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  dropBody(request);
  // Of a connection that is gone: there is nobody to tell.
  response.on("error", () => {});
  const head = new NodeRequest(request);
  const verdict = guard.check(head);
  if (verdict !== undefined && verdict.kind !== "allowed") return refuse(request, response, verdict);
  if (verdict !== undefined) {
    response.setHeader("Access-Control-Allow-Origin", verdict.origin);
    response.setHeader("Vary", "Origin");
  }
  if (request.method === "OPTIONS") {
    response.setHeader("Access-Control-Allow-Methods", "GET");
    response.setHeader("Access-Control-Allow-Headers", "Authorization");
    response.writeHead(204).end();
    return;
  }
  const { path } = head;
  if (path === "/ping") return send(request, response, 200, "OK", "text/plain; charset=utf-8");
  if (access.isOn && access.identify({ token: tokenOf(head) }) === undefined)
    return turnAway(access, request, response);
  // A HEAD is a question about an answer, and carries nothing out.
  const isQuestion = request.method === "HEAD" && path !== "/getNodes";
  const query = new URLSearchParams(isQuestion ? "" : head.query);
  const answer = await requests.answer(path, query, () => response.destroyed);
  if (isClosing()) response.setHeader("Connection", "close");
  if (answer === undefined) return send(request, response, 404, "not found", "text/plain; charset=utf-8");
  send(request, response, 200, answer);
};

/** It tells nothing of what there is. */
const UNKNOWN = refusal("a token of this registry is needed: Authorization: Bearer …");

const turnAway = async (access: Access, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const delay = access.refused(shareOf(request.socket.remoteAddress ?? ""), "registry");
  if (delay > 0) await pause(delay, undefined, { ref: false });
  response.setHeader("WWW-Authenticate", "Bearer");
  send(request, response, 401, UNKNOWN);
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
  body: string | Buffer,
  type = "application/json",
): void => {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
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
