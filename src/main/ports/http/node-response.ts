/** The answer to a request that node:http brought, and its body. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Log } from "../../log.js";
import { contain } from "../../native/error-boundary.js";
import { certificateNames } from "../origin.js";
import type { AnswerHead, AnswerStream, HttpResponse } from "./engine.js";
import type { NodeConnection, UnfinishedAnswer } from "./node-connection.js";

/** Of a long answer, written at once: node keeps what the socket does not take. */
const SLICE_BYTES = 64 * 1024;

const OK = 200;
const NO_CONTENT = 204;
const NOT_MODIFIED = 304;
const NOTHING = Buffer.alloc(0);

/** The request may be answered after its client has gone, which node calls an error. */
const ignore = (): void => {};

export class NodeResponse implements HttpResponse, UnfinishedAnswer {
  readonly #message: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #connection: NodeConnection;
  readonly #log: Log;
  /** The answer is whole or the client gone. */
  #isOver = false;
  #aborted: (() => void) | undefined;

  constructor(message: IncomingMessage, response: ServerResponse, connection: NodeConnection, log: Log) {
    this.#message = message;
    this.#response = response;
    this.#connection = connection;
    this.#log = log;
    response.on("error", ignore);
    connection.enter(this);
    response.once("close", () => this.gone());
  }

  gone(): void {
    this.#connection.done(this);
    if (this.#isOver) return;
    this.#isOver = true;
    this.#aborted?.();
  }

  drained(): void {
    if (this.#response.writableNeedDrain) this.#response.emit("drain");
  }

  get remoteAddress(): string {
    return this.#message.socket.remoteAddress ?? "";
  }

  get certificateNames(): readonly string[] {
    return certificateNames(this.#message.socket);
  }

  onAborted(callback: () => void): void {
    this.#aborted = callback;
  }

  onData(callback: (bytes: Buffer, isLast: boolean) => void): void {
    // The part that brings a body to its length is the last, so that a body in one part is known as such.
    const length = Number(this.#message.headers["content-length"] ?? -1);
    let received = 0;
    this.#message.on("data", (bytes: Buffer) => {
      received += bytes.length;
      callback(bytes, received === length);
    });
    this.#message.once("end", () => {
      if (received === 0 || received !== length) callback(NOTHING, true);
    });
  }

  pauseBody(): void {
    if (this.#isOver) return;
    this.#connection.hold();
    this.#message.pause();
  }

  resumeBody(): void {
    this.#connection.release();
    this.#message.resume();
  }

  send(head: AnswerHead, body: string | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#writeHead(head, body === undefined ? this.#lengthOfNothing(head) : Buffer.byteLength(body));
    this.#response.end(body);
    this.#readOn();
  }

  sendLong(head: AnswerHead, body: Buffer, onLeft: (bytes: number) => void): void {
    if (this.#isOver) return;
    this.#writeHead(head, body.length);
    this.#readOn();
    let at = 0;
    const step = (): void => {
      while (body.length - at > SLICE_BYTES) {
        const isTaken = this.#response.write(body.subarray(at, at + SLICE_BYTES));
        at += SLICE_BYTES;
        if (isTaken) continue;
        onLeft(body.length - at + SLICE_BYTES);
        return;
      }
      this.#response.off("drain", onDrain);
      onLeft(body.length - at);
      this.#response.once("finish", () => {
        this.#isOver = true;
        onLeft(0);
      });
      this.#response.end(body.subarray(at));
    };
    const onDrain = (): void => {
      try {
        if (!this.#isOver) step();
      } catch (error) {
        contain(this.#log, "a long answer", error, () => this.close());
      }
    };
    this.#response.on("drain", onDrain);
    step();
  }

  begin(head: AnswerHead, part: string): boolean {
    if (this.#isOver) return true;
    this.#writeHead(head, undefined);
    this.#readOn();
    return this.#response.write(part);
  }

  write(part: string): boolean {
    return this.#isOver || this.#response.write(part);
  }

  onWritable(callback: () => void): void {
    this.#response.on("drain", callback);
  }

  end(part: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#response.end(part);
  }

  stream(head: AnswerHead, onDrained: () => void): AnswerStream {
    const response = this.#response;
    if (!this.#isOver) {
      this.#writeHead(head, undefined);
      this.#readOn();
      response.flushHeaders();
      response.on("drain", onDrained);
    }
    const isOver = (): boolean => this.#isOver;
    return {
      get unsentBytes() {
        return isOver() ? 0 : response.writableLength;
      },
      // A copy: node keeps what the system does not take at once.
      write: (bytes) => void (isOver() || bytes.length === 0 || response.write(Buffer.from(bytes))),
      end: () => this.#endStream(),
    };
  }

  reject(head: AnswerHead, body: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#connection.closing();
    this.#writeHead({ ...head, fields: [...head.fields, ["Connection", "close"]] }, Buffer.byteLength(body));
    this.#response.end(body);
  }

  close(): void {
    if (!this.#isOver) this.#connection.destroy();
  }

  #endStream(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#connection.closing();
    const { socket } = this.#message;
    this.#response.once("finish", () => socket.destroySoon());
    this.#response.end();
  }

  /** What is left of a body whose request is answered is read and dropped: behind it comes the next request. */
  #readOn(): void {
    if (this.#message.isPaused()) this.resumeBody();
  }

  /** An answer to HEAD, 204 and 304 have no length of their own. */
  #lengthOfNothing(head: AnswerHead): number | undefined {
    const status = statusOf(head);
    const isBodiless = this.#message.method === "HEAD" || status === NO_CONTENT || status === NOT_MODIFIED;
    return isBodiless ? undefined : 0;
  }

  #writeHead(head: AnswerHead, length: number | undefined): void {
    const fields: string[] = [];
    if (head.type !== undefined) fields.push("Content-Type", head.type);
    for (const [name, value] of head.fields) fields.push(name, value);
    if (length !== undefined) fields.push("Content-Length", String(length));
    this.#response.writeHead(statusOf(head), fields);
  }
}

/** Node adds the reason phrase. */
const statusOf = ({ status }: AnswerHead): number => (status === undefined ? OK : Number.parseInt(status, 10));
