/** The head of a request that node:http brought. */
import type { IncomingMessage } from "node:http";
import type { HttpRequest } from "./engine.js";

export class NodeRequest implements HttpRequest {
  readonly #message: IncomingMessage;
  /** Without the query. */
  readonly path: string;
  readonly query: string;

  constructor(message: IncomingMessage) {
    this.#message = message;
    const url = message.url ?? "";
    const mark = url.indexOf("?");
    this.path = mark < 0 ? url : url.slice(0, mark);
    this.query = mark < 0 ? "" : url.slice(mark + 1);
  }

  get method(): string {
    return (this.#message.method ?? "").toLowerCase();
  }

  header(name: string): string {
    const { rawHeaders } = this.#message;
    for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
      const given = rawHeaders[i] ?? "";
      if (given.length === name.length && given.toLowerCase() === name) return rawHeaders[i + 1] ?? "";
    }
    return "";
  }

  eachHeader(callback: (name: string, value: string) => void): void {
    const { rawHeaders } = this.#message;
    for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
      callback((rawHeaders[i] ?? "").toLowerCase(), rawHeaders[i + 1] ?? "");
    }
  }
}
