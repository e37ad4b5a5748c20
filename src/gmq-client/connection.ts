/** A connection to a node of gmq: requests may be sent ahead, their responses come in the same order. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import * as requests from "./requests.js";
import { type Response, ResponseReader, ResponseType } from "./response-reader.js";

/** How long a node may take to accept, in milliseconds. */
const CONNECT_TIME = 5_000;

const CLOSED = "the node closed the connection";
const HINT = "is that its TCP port, and without TLS, which is not spoken here?";

export interface Peer {
  readonly host: string;
  readonly port: number;
}

interface Waiting {
  readonly resolve: (response: Response) => void;
  readonly reject: (error: Error) => void;
}

export class GmqConnection {
  /** A node that is waited for says that it is there. Not a response to anything. */
  onPing: () => void = () => {};
  onChannelMessage: (data: Buffer) => void = () => {};
  /** Resolves when the connection has ended, with why. */
  readonly closed: Promise<Error>;
  readonly #socket: Socket;
  readonly #reader = new ResponseReader();
  /** From `#next` on: who waits for a response, the longest first. */
  #waiting: Waiting[] = [];
  #next = 0;
  #end: Error | undefined;
  #hasAnswered = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => {
      const ended = (error: Error): void => {
        this.#end ??= error;
        for (const { reject } of this.#waiting.splice(0).slice(this.#next)) reject(this.#end);
        this.#next = 0;
        resolve(this.#end);
      };
      socket.on("error", ended);
      socket.on("close", () => ended(new Error(this.#hasAnswered ? CLOSED : `${CLOSED} without an answer; ${HINT}`)));
    });
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
  }

  /** Rejects when there is no node, it does not accept in time, or refuses the token. */
  static async open({ host, port }: Peer, token?: string): Promise<GmqConnection> {
    const socket = connect({ host, port, noDelay: true });
    try {
      await once(socket, "connect", { signal: AbortSignal.timeout(CONNECT_TIME) });
    } catch (error) {
      socket.destroy();
      throw error instanceof Error && error.name === "AbortError" ? new Error("it does not accept in time") : error;
    }
    const connection = new GmqConnection(socket);
    if (token === undefined) return connection;
    const { type, data } = await connection.send(requests.auth(token));
    if (type === ResponseType.result) return connection;
    connection.close();
    throw new Error(`it refuses the token: ${data}`);
  }

  /** This side of the connection: `127.0.0.1:40000`. */
  get localAddress(): string {
    return `${this.#socket.localAddress}:${this.#socket.localPort}`;
  }

  /** Rejects when the connection ends before the response. How many are sent ahead is the caller's to bound. */
  send(request: Uint8Array): Promise<Response> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#socket.write(request);
    });
  }

  /** Reads no more until `resume`; what has been read before still comes. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    this.#hasAnswered = true;
    try {
      this.#reader.push(chunk, (response) => this.#take(response));
    } catch (error) {
      this.#socket.destroy(error as Error);
    }
  }

  #take(response: Response): void {
    if (response.type === ResponseType.ping) return this.onPing();
    if (response.type === ResponseType.channel) return this.onChannelMessage(response.data);
    const waiting = this.#waiting[this.#next];
    if (waiting === undefined) throw new Error("the node answered what was not asked");
    this.#next++;
    if (this.#next === this.#waiting.length) {
      this.#waiting = [];
      this.#next = 0;
    }
    waiting.resolve(response);
  }
}
