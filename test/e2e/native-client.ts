/** A bare client of the native protocol over TCP: sends bytes as they are, and gives frames as they come. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Op } from "../../src/protocol/op.js";
import { type Frame, frame, splitFrames } from "../main/frames.js";

const dialPlain = async (port: number): Promise<Socket> => {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  return socket;
};

export class NativeClient {
  readonly frames: Frame[] = [];
  /** Resolves when the connection has closed. */
  readonly closed: Promise<void>;
  isClosed = false;
  #rest: Buffer = Buffer.alloc(0);
  #next = 0;
  #changed: (() => void) | undefined;

  private constructor(readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on("data", (bytes: Buffer) => {
      const { frames, rest } = splitFrames(Buffer.concat([this.#rest, bytes]));
      this.#rest = rest;
      this.frames.push(...frames);
      this.#changed?.();
    });
    // A reset closes the socket too, and tests look at that.
    socket.on("error", () => {});
    this.closed = new Promise((resolve) => {
      socket.once("close", () => {
        this.isClosed = true;
        this.#changed?.();
        resolve();
      });
    });
  }

  /** @param dial makes the socket: plain unless told */
  static async open(port: number, dial = dialPlain): Promise<NativeClient> {
    return new NativeClient(await dial(port));
  }

  /** Connects and says HELLO. */
  static async greeted(port: number, dial = dialPlain): Promise<NativeClient> {
    const client = await NativeClient.open(port, dial);
    client.send(frame(Op.HELLO, 1, [1, "test"]));
    const hello = await client.next();
    if (hello.op !== Op.HELLO) throw new Error(`the broker answered HELLO with ${hello.op}: ${String(hello.head)}`);
    return client;
  }

  send(...frames: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  /** Bytes behind the last whole frame. */
  get rest(): Buffer {
    return this.#rest;
  }

  /** The next frame that has not been asked for. Error: the connection closes before it comes. */
  async next(): Promise<Frame> {
    await this.#until(() => this.frames.length > this.#next, "a frame");
    const next = this.frames[this.#next];
    this.#next++;
    if (next === undefined) throw new Error("the frame is there");
    return next;
  }

  /** The next frame that answers a request; others before it are passed over. */
  async answer(request: number): Promise<Frame> {
    for (;;) {
      const next = await this.next();
      if (next.request === request) return next;
    }
  }

  /** Sends a request and waits for its answer, PING-like: one that carries the number of the request. */
  async ask(op: number, request: number, head: readonly unknown[] = [], payload?: Uint8Array): Promise<Frame> {
    this.send(frame(op, request, head, payload));
    return await this.answer(request);
  }

  /** Whether the connection still answers. */
  async ping(request = 0xffff_0000): Promise<void> {
    await this.ask(Op.PING, request);
  }

  async end(): Promise<void> {
    this.socket.end();
    await this.closed;
  }

  async #until(isTrue: () => boolean, what: string): Promise<void> {
    while (!isTrue()) {
      if (this.isClosed) throw new Error(`the connection closed before ${what}`);
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }
}
