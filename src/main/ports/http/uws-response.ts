/**
 * The answer to a request that uWebSockets.js brought. It throws for a response that is whole or whose client has gone,
 * so every call asks for that first.
 */
import type { Log } from "../../log.js";
import { contain } from "../../native/error-boundary.js";
import type { AnswerHead, AnswerStream, HttpResponse } from "./engine.js";
import { UwsAnswerStream } from "./uws-answer-stream.js";
import type { UwsHttpResponse } from "./uws-types.js";

const CONTENT_TYPE = "Content-Type";

/**
 * A part of this size is written through. A shorter one waits for the end of what has been read, and is lost when
 * uWebSockets.js finds another request in there, which closes the connection.
 */
const WRITTEN_THROUGH = 16 * 1024;

export const addressOf = (response: UwsHttpResponse): string =>
  Buffer.from(response.getRemoteAddressAsText()).toString();

export class UwsResponse implements HttpResponse {
  /** Where clients show certificates the other engine serves. */
  readonly certificateNames: readonly string[] = [];
  readonly #response: UwsHttpResponse;
  readonly #log: Log;
  #address: string | undefined;
  /** The answer is whole or the client gone: the response must not be touched. */
  #isOver = false;

  /** `address`: that of the client, if it is known already. */
  constructor(response: UwsHttpResponse, log: Log, address?: string) {
    this.#response = response;
    this.#log = log;
    this.#address = address;
  }

  get remoteAddress(): string {
    if (this.#isOver) return "";
    this.#address ??= addressOf(this.#response);
    return this.#address;
  }

  onAborted(callback: () => void): void {
    this.#response.onAborted(() => {
      this.#isOver = true;
      callback();
    });
  }

  onData(callback: (bytes: Buffer, isLast: boolean) => void): void {
    if (this.#isOver) return;
    this.#response.onData((chunk, isLast) => callback(Buffer.from(chunk), isLast));
  }

  pauseBody(): void {
    if (!this.#isOver) this.#response.pause();
  }

  resumeBody(): void {
    if (!this.#isOver) this.#response.resume();
  }

  send(head: AnswerHead, body: string | undefined): void {
    if (this.#isOver) return;
    this.#response.cork(() => {
      this.#writeHead(head);
      if (body === undefined) this.#response.endWithoutBody();
      else this.#response.end(body);
      this.#isOver = true;
    });
  }

  sendLong(head: AnswerHead, body: Buffer, onLeft: (bytes: number) => void): void {
    if (this.#isOver) return;
    onLeft(body.length);
    this.#response.onWritable((offset) => {
      try {
        return this.#continue(body, offset, onLeft);
      } catch (error) {
        contain(this.#log, "a long answer", error, () => this.close());
        return true;
      }
    });
    this.#response.cork(() => {
      this.#writeHead(head);
      this.#continue(body, 0, onLeft);
    });
  }

  begin(head: AnswerHead, part: string): boolean {
    let isTaken = true;
    if (this.#isOver) return isTaken;
    this.#response.cork(() => {
      this.#writeHead(head);
      isTaken = this.#response.write(part);
    });
    return isTaken;
  }

  write(part: string): boolean {
    let isTaken = true;
    if (this.#isOver) return isTaken;
    this.#response.cork(() => {
      isTaken = this.#response.write(part);
    });
    return isTaken;
  }

  onWritable(callback: () => void): void {
    if (this.#isOver) return;
    this.#response.onWritable(() => {
      callback();
      return true;
    });
  }

  end(part: string): void {
    if (this.#isOver) return;
    this.#response.cork(() => {
      this.#response.end(part);
      this.#isOver = true;
    });
  }

  stream(head: AnswerHead, onDrained: () => void): AnswerStream {
    const stream = new UwsAnswerStream(this.#response, () => this.#isOver, this.#log, onDrained);
    if (this.#isOver) return stream;
    this.#response.cork(() => {
      this.#writeHead(head);
      stream.begin();
    });
    return stream;
  }

  reject(head: AnswerHead, body: string): void {
    if (this.#isOver) return;
    this.#response.cork(() => {
      this.#writeHead(head);
      this.#response.write(body.padEnd(WRITTEN_THROUGH));
    });
    // As long as the answer is not at its end, a request that was read with this one closes the connection.
    setImmediate(() => {
      try {
        this.#finishRejection();
      } catch (error) {
        contain(this.#log, "a refusal", error, () => this.close());
      }
    });
  }

  close(): void {
    if (!this.#isOver) this.#response.close();
  }

  #finishRejection(): void {
    if (this.#isOver) return;
    this.#response.cork(() => {
      this.#response.end("", true);
      this.#isOver = true;
    });
  }

  #writeHead({ status, type, fields }: AnswerHead): void {
    if (status !== undefined) this.#response.writeStatus(status);
    if (type !== undefined) this.#response.writeHeader(CONTENT_TYPE, type);
    // Nearly every answer has none.
    if (fields.length === 0) return;
    for (const [name, value] of fields) this.#response.writeHeader(name, value);
  }

  /** What the socket does not take stays here, so that it can be counted. False: there is more to send. */
  #continue(body: Buffer, offset: number, onLeft: (bytes: number) => void): boolean {
    const [isTaken, isWhole] = this.#response.tryEnd(body.subarray(offset), body.length);
    // Once the answer is whole the response is no more.
    if (isWhole) this.#isOver = true;
    onLeft(isWhole ? 0 : body.length - this.#response.getWriteOffset());
    return isTaken;
  }
}
