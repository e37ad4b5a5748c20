/**
 * Publishes over HTTP/1.1, on one connection that stays open between them. One at a time: uWebSockets.js closes a connection
 * on which a request comes before the last one was answered, and so do others.
 */
import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Socket } from "node:net";
import { connectFailure, connectionClosed, NoAnswer } from "../failure.js";
import type { Carrier, CarrierEvents, Outgoing } from "../link.js";
import { requestFields } from "../request-fields.js";
import { answerRefusal } from "./answer-refusal.js";
import type { HttpTarget } from "./http-target.js";

/**
 * A connection without work is closed after so long, before servers do it (Node's after 5 s): what is sent at that moment is
 * neither taken nor refused. Milliseconds.
 */
const IDLE = 4_000;

/** What is kept of an answer, and what is read of one before the connection is given up. Bytes. */
const KEPT_BODY = 4 * 1024;
const MAX_BODY = 1024 * 1024;

export class HttpCarrier implements Carrier {
  readonly #target: HttpTarget;
  readonly #events: CarrierEvents;
  readonly #agent: HttpAgent;
  #request: ClientRequest | undefined;
  #isConnected = false;
  #isOver = false;

  constructor(target: HttpTarget, events: CarrierEvents) {
    this.#target = target;
    this.#events = events;
    const options = { keepAlive: true, maxSockets: 1, timeout: IDLE };
    this.#agent = target.isTls ? new HttpsAgent({ ...options, ...target.tls }) : new HttpAgent(options);
  }

  send({ topic, key, payload }: Outgoing): void {
    const { options, isTls, host, port, authority, url } = this.#target;
    const request = (isTls ? httpsRequest : httpRequest)({
      agent: this.#agent,
      method: "POST",
      host,
      port,
      path: this.#target.path("pub", topic, key === undefined ? "" : `&key=${encodeURIComponent(key)}`),
      headers: { Host: authority, "Content-Length": payload.length, ...requestFields(options) },
      timeout: options.answerTimeout,
    });
    this.#request = request;
    request.on("socket", (socket) => this.#connecting(socket, request));
    request.on("response", (answer) => this.#answer(answer, request));
    // Without this a request that is answered so ends in silence.
    request.on("upgrade", ({ statusCode }, socket) => {
      socket.destroy();
      this.#lose(new Error(`it answers with HTTP ${statusCode}`), request);
    });
    request.on("timeout", () => request.destroy(new NoAnswer(url, options.answerTimeout)));
    request.on("error", (error) => this.#lose(error, request));
    request.end(payload);
  }

  close(): void {
    this.#isOver = true;
    this.#request?.destroy();
    this.#agent.destroy();
  }

  #connecting(socket: Socket, request: ClientRequest): void {
    if (!socket.connecting) return;
    this.#isConnected = false;
    socket.setNoDelay(true);
    const { connectTimeout } = this.#target.options;
    const timer = setTimeout(
      () => request.destroy(new Error(`no connection within ${connectTimeout} ms`)),
      connectTimeout,
    );
    socket.once(this.#target.isTls ? "secureConnect" : "connect", () => {
      this.#isConnected = true;
      clearTimeout(timer);
    });
    socket.once("close", () => clearTimeout(timer));
  }

  #answer(answer: IncomingMessage, request: ClientRequest): void {
    let bytes = 0;
    let body = "";
    answer.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_BODY) request.destroy(new Error("its answer is too long"));
      if (body.length < KEPT_BODY) body += chunk.toString("utf8", 0, KEPT_BODY);
    });
    answer.on("error", (error) => this.#lose(error, request));
    answer.on("end", () => {
      if (this.#isOver) return;
      this.#request = undefined;
      const status = answer.statusCode ?? 0;
      const isTaken = status >= 200 && status < 300;
      this.#events.answered(isTaken ? undefined : answerRefusal(this.#target.url, status, body));
    });
  }

  #lose(error: Error, request: ClientRequest): void {
    if (this.#isOver) return;
    this.close();
    const { url } = this.#target;
    if (error instanceof NoAnswer) return this.#events.lost(error, false);
    const why = this.#isConnected ? connectionClosed(url, error.message, error) : connectFailure(url, error);
    this.#events.lost(why, request.reusedSocket);
  }
}
