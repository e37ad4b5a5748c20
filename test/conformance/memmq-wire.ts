/** Clients of memmq over HTTP: bytes of requests, answers without an end, WebSockets. */
import { once } from "node:events";
import type { Socket } from "node:net";
import { WebSocket } from "ws";
import type { Wire } from "../tls.js";

/** A connection whose bytes are told as they are. */
export class RawConnection {
  text = "";
  isClosed = false;
  #wake = (): void => {};

  private constructor(readonly socket: Socket) {
    socket.on("data", (part: Buffer) => {
      this.text += part.toString("latin1");
      this.#wake();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.isClosed = true;
      this.#wake();
    });
  }

  static async open(wire: Wire, port: number): Promise<RawConnection> {
    return new RawConnection(await wire.connect(port));
  }

  /** Sends bytes, and answers all that has come once that has what `isEnough` wants, or once the connection is closed. */
  async say(bytes: string, isEnough: (text: string) => boolean): Promise<string> {
    this.socket.write(Buffer.from(bytes, "latin1"));
    return this.until(isEnough);
  }

  async until(isEnough: (text: string) => boolean): Promise<string> {
    while (!isEnough(this.text) && !this.isClosed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.text;
  }

  close(): void {
    this.socket.destroy();
  }
}

/** The body of an answer that is not in chunks, or of one in chunks without what is around them. */
export const bodyOf = (text: string): string => {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return "";
  const body = text.slice(end + 4);
  if (!/^transfer-encoding: chunked\r$/im.test(text.slice(0, end + 1))) return body;
  let plain = "";
  for (let at = 0; at < body.length; ) {
    const line = body.indexOf("\r\n", at);
    if (line < 0) break;
    const size = Number.parseInt(body.slice(at, line), 16);
    plain += body.slice(line + 2, line + 2 + size);
    at = line + 4 + size;
  }
  return plain;
};

export const hasHead = (text: string): boolean => text.includes("\r\n\r\n");

/** A WebSocket, and what it has heard. */
export class WebSocketClient {
  readonly heard: Buffer[] = [];
  readonly kinds = new Set<"text" | "binary">();
  /** How it was closed: code and reason. */
  end: readonly [number, string] | undefined;
  #wake = (): void => {};

  private constructor(readonly socket: WebSocket) {
    socket.on("message", (bytes: Buffer, isBinary) => {
      this.heard.push(bytes);
      this.kinds.add(isBinary ? "binary" : "text");
      this.#wake();
    });
    socket.on("error", () => {});
    socket.on("close", (code, reason) => {
      this.end = [code, reason.toString()];
      this.#wake();
    });
  }

  static async open({ ws, client }: Wire, port: number, path: string): Promise<WebSocketClient> {
    const ca = client.tls === undefined || typeof client.tls === "boolean" ? undefined : client.tls.ca;
    const socket = new WebSocket(`${ws}://127.0.0.1:${port}${path}`, { ca: ca as string | undefined });
    const opened = new WebSocketClient(socket);
    await once(socket, "open");
    return opened;
  }

  /** The first so many messages, once they are there. */
  async messages(count: number): Promise<Buffer[]> {
    await this.#until(() => this.heard.length >= count);
    return this.heard.slice(0, count);
  }

  async texts(count: number): Promise<string[]> {
    return (await this.messages(count)).map(String);
  }

  /** Once the last message is this one. */
  async untilLast(text: string): Promise<void> {
    await this.#until(() => this.heard.at(-1)?.toString() === text);
  }

  /** How it is closed. */
  async closed(): Promise<readonly [number, string]> {
    await this.#until(() => false);
    return this.end ?? [0, ""];
  }

  async #until(isEnough: () => boolean): Promise<void> {
    while (!isEnough() && this.end === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
