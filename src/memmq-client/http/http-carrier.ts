/**
 * Publishes over one HTTP/1.1 connection, pipelined: the server answers in the order in which it was asked, so order holds
 * and a round trip is not waited for with each message.
 */
import type { Socket } from "node:net";
import { localError, type RingmqError } from "../../client/base/error.js";
import { startTimer, type Timer } from "../../client/base/timer.js";
import { connectFailure, connectionClosed } from "../failure.js";
import type { Carrier, CarrierEvents, Outgoing } from "../link.js";
import { answerRefusal } from "./answer-refusal.js";
import type { HttpTarget } from "./http-target.js";
import { type HttpAnswer, ResponseParser } from "./response-parser.js";

/**
 * A connection without work is closed after so long, before servers do it: Node's closes after 5 s, and what is sent at
 * that moment is neither taken nor refused. Milliseconds.
 */
const IDLE = 4_000;

/** Payloads up to here are copied behind their head: one chunk for the kernel in place of two. Bytes. */
const COPIED = 16 * 1024;

export class HttpCarrier implements Carrier {
  readonly #target: HttpTarget;
  readonly #events: CarrierEvents;
  readonly #parser = new ResponseParser((answer) => this.#answered(answer));
  #socket: Socket | undefined;
  #isConnected = false;
  #isOver = false;
  #wasUseful = false;
  #isCorked = false;
  #unanswered = 0;
  #timer: Timer | undefined;
  /** The last head up to its length: most publishes are to the topic of the one before. */
  #head = "";
  #headTopic: string | undefined;
  #headKey: string | undefined;

  constructor(target: HttpTarget, events: CarrierEvents) {
    this.#target = target;
    this.#events = events;
  }

  send({ topic, key, payload }: Outgoing): void {
    this.#socket ??= this.#connect();
    const socket = this.#socket;
    if (!this.#isCorked) {
      // What is published in one turn leaves in one write.
      this.#isCorked = true;
      socket.cork();
      queueMicrotask(() => {
        this.#isCorked = false;
        socket.uncork();
      });
    }
    const head = `${this.#headOf(topic, key)}${payload.length}\r\n\r\n`;
    if (payload.length <= COPIED) {
      const bytes = Buffer.allocUnsafe(head.length + payload.length);
      bytes.write(head, 0, "latin1");
      bytes.set(payload, head.length);
      socket.write(bytes);
    } else {
      socket.write(head, "latin1");
      socket.write(payload);
    }
    this.#unanswered++;
    if (this.#unanswered === 1 && this.#isConnected) this.#expectAnswer();
  }

  close(): void {
    this.#isOver = true;
    this.#timer?.cancel();
    this.#socket?.destroy();
  }

  #headOf(topic: string, key: string | undefined): string {
    if (topic !== this.#headTopic || key !== this.#headKey) {
      const path = this.#target.path("pub", topic, key === undefined ? "" : `&key=${encodeURIComponent(key)}`);
      this.#head = `POST ${path} HTTP/1.1\r\nHost: ${this.#target.authority}\r\nContent-Length: `;
      this.#headTopic = topic;
      this.#headKey = key;
    }
    return this.#head;
  }

  #connect(): Socket {
    const { url, options } = this.#target;
    const socket = this.#target.connect(() => {
      this.#isConnected = true;
      this.#expectAnswer();
    });
    this.#timer = startTimer(options.connectTimeout, () =>
      this.#lose(localError("CONNECT_FAILED", `no connection to ${url} within ${options.connectTimeout} ms`)),
    );
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    socket.on("error", (error) =>
      this.#lose(this.#isConnected ? connectionClosed(url, error.message, error) : connectFailure(url, error)),
    );
    socket.on("close", () => {
      this.#parser.end();
      this.#lose(
        this.#isConnected
          ? connectionClosed(url, "the server has closed it")
          : connectFailure(url, new Error("it was closed at once")),
      );
    });
    return socket;
  }

  #read(chunk: Buffer): void {
    if (this.#isOver) return;
    try {
      this.#parser.push(chunk);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#lose(connectionClosed(this.#target.url, why, error));
    }
  }

  #answered({ status, body, isLast }: HttpAnswer): void {
    if (this.#isOver) return;
    if (this.#unanswered === 0) {
      return this.#lose(connectionClosed(this.#target.url, `it answers what nobody has asked, with HTTP ${status}`));
    }
    this.#unanswered--;
    this.#wasUseful = true;
    this.#expectAnswer();
    this.#events.answered(status < 300 ? undefined : answerRefusal(this.#target.url, status, body));
    if (isLast) this.#lose(connectionClosed(this.#target.url, "the server answers nothing more on it"));
  }

  /** The time for the next answer begins, or that of a connection without work. */
  #expectAnswer(): void {
    const { answerTimeout } = this.#target.options;
    const isIdle = this.#unanswered === 0;
    this.#timer?.cancel();
    this.#timer = startTimer(isIdle ? IDLE : answerTimeout, () =>
      this.#lose(
        connectionClosed(this.#target.url, isIdle ? "it has no work" : `no answer within ${answerTimeout} ms`),
      ),
    );
  }

  #lose(error: RingmqError): void {
    if (this.#isOver) return;
    this.close();
    this.#events.lost(error, this.#wasUseful);
  }
}
