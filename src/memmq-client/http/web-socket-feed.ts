/**
 * The messages of a topic over a WebSocket.
 *
 * ringmq is asked for JSON, which tells positions and losses, and says so with a first text frame. memmq's servers do not
 * know the question and send payloads alone.
 */
import type { IncomingMessage } from "node:http";
import { WebSocket } from "ws";
import type { RingmqError } from "../../client/base/error.js";
import { startTimer, type Timer } from "../../client/base/timer.js";
import { connectFailure, connectionClosed, refusalIn } from "../failure.js";
import type { Feed, FeedEvents, FeedRequest, FeedStart } from "../link.js";
import { requestFields } from "../request-fields.js";
import { answerRefusal } from "./answer-refusal.js";
import { lostOf, messageOf, startOf } from "./feed-frames.js";
import type { HttpTarget } from "./http-target.js";

/** How long a server has, when the WebSocket is open, to say that it is ringmq's. Milliseconds. */
const PATIENCE = 250;

/** A connection over which nothing has come for so long is asked whether it lives, and given up after as long again. */
const PING_INTERVAL = 20_000;

/** The kernel asks the machine of a server that may not answer pings. */
const KEEP_ALIVE = 30_000;

/** What a refusal's body may say. */
const MAX_REFUSAL = 4 * 1024;

/** JSON around a payload. */
const JSON_SLACK = 1024;

const UNKNOWN: FeedStart = { epoch: undefined, position: undefined, recovered: undefined, lost: undefined };

const queryOf = ({ from, recover, overflow, resume }: FeedRequest): string => {
  const query: string[] = ["format=json"];
  if (resume !== undefined) query.push(`position=${resume.position}`, `epoch=${resume.epoch}`);
  else if (from !== "now") query.push(`from=${from}`);
  if (recover) query.push("recover=1");
  if (overflow !== undefined) query.push(`overflow=${overflow}`);
  return `&${query.join("&")}`;
};

export class WebSocketFeed implements Feed {
  readonly #url: string;
  readonly #events: FeedEvents;
  readonly #socket: WebSocket;
  #format: "unknown" | "json" | "raw" = "unknown";
  #isPaused = false;
  #isOver = false;
  #isOpen = false;
  #hasBegun = false;
  #wasHeard = true;
  #timer: Timer | undefined;

  constructor(target: HttpTarget, request: FeedRequest, events: FeedEvents) {
    const { connectTimeout, maxMessageBytes } = target.options;
    this.#url = target.url;
    this.#events = events;
    const origin = new URL(target.url).origin.replace(/^http/, "ws");
    const socket = new WebSocket(`${origin}${target.path("sub", request.topic, queryOf(request))}`, {
      ...target.tls,
      headers: requestFields(target.options),
      perMessageDeflate: false,
      // Payloads are bytes in base64; a raw one is shorter.
      maxPayload: Math.ceil(maxMessageBytes / 3) * 4 + JSON_SLACK,
      skipUTF8Validation: true,
      handshakeTimeout: connectTimeout,
    });
    this.#socket = socket;
    socket.on("upgrade", ({ socket: { setKeepAlive }, socket: plain }) => setKeepAlive.call(plain, true, KEEP_ALIVE));
    socket.on("open", () => this.#opened());
    socket.on("message", (data: Buffer, isBinary: boolean) => this.#received(data, isBinary));
    socket.on("pong", () => {
      this.#wasHeard = true;
    });
    socket.on("unexpected-response", (_request: unknown, answer: IncomingMessage) => this.#refused(answer));
    socket.on("error", (error) =>
      this.#end(this.#isOpen ? connectionClosed(this.#url, error.message, error) : connectFailure(this.#url, error)),
    );
    socket.on("close", (code, reason) => {
      const text = reason.toString();
      this.#end(refusalIn(text) ?? connectionClosed(this.#url, text === "" ? `its WebSocket says ${code}` : text));
    });
  }

  pause(): void {
    this.#isPaused = true;
    if (this.#isOpen) this.#socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#wasHeard = true;
    if (this.#isOpen) this.#socket.resume();
  }

  close(): void {
    this.#isOver = true;
    this.#timer?.cancel();
    this.#socket.terminate();
  }

  #opened(): void {
    if (this.#isOver) return;
    this.#isOpen = true;
    if (this.#isPaused) this.#socket.pause();
    this.#timer = startTimer(PATIENCE, () => {
      this.#hasBegun = true;
      this.#events.begun(UNKNOWN);
    });
  }

  #received(data: Buffer, isBinary: boolean): void {
    if (this.#isOver) return;
    this.#wasHeard = true;
    if (this.#format === "unknown") return this.#receivedFirst(data, isBinary);
    if (this.#format === "raw") return this.#events.message({ payload: data, position: undefined, id: undefined });
    const frame = parsed(data);
    const message = messageOf(frame);
    if (message !== undefined) return this.#events.message(message);
    const lost = lostOf(frame);
    if (lost !== undefined) return this.#events.lost(lost);
    const start = startOf(frame);
    // Its shard was restarted, and the subscription with it.
    if (start !== undefined) return this.#events.begun(start);
    this.#end(connectionClosed(this.#url, "it sends what is no message"));
  }

  #receivedFirst(data: Buffer, isBinary: boolean): void {
    const start = isBinary ? undefined : startOf(parsed(data));
    this.#timer?.cancel();
    if (start === undefined) {
      this.#format = "raw";
      if (!this.#hasBegun) this.#events.begun(UNKNOWN);
      return this.#events.message({ payload: data, position: undefined, id: undefined });
    }
    this.#format = "json";
    this.#watch();
    this.#events.begun(start);
  }

  /** memmq's own servers may not read, and so never answer a ping: only ringmq's are asked. */
  #watch(): void {
    this.#timer = startTimer(PING_INTERVAL, () => {
      // Nobody reads what a paused connection has.
      if (!this.#wasHeard && !this.#isPaused) {
        return this.#end(connectionClosed(this.#url, `nothing has come for ${2 * PING_INTERVAL} ms`));
      }
      this.#wasHeard = false;
      this.#socket.ping();
      this.#watch();
    });
  }

  #refused(answer: IncomingMessage): void {
    let body = "";
    const end = (): void => this.#end(answerRefusal(this.#url, answer.statusCode ?? 0, body));
    answer.setEncoding("utf8");
    answer.on("data", (text: string) => {
      body += text.slice(0, MAX_REFUSAL);
      if (body.length >= MAX_REFUSAL) end();
    });
    answer.on("end", end);
    answer.on("error", end);
  }

  #end(error: RingmqError): void {
    if (this.#isOver) return;
    this.close();
    this.#events.ended(error);
  }
}

/** Undefined: it is no JSON. */
const parsed = (data: Buffer): unknown => {
  try {
    return JSON.parse(data.toString());
  } catch {
    return undefined;
  }
};
