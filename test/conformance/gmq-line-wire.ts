/** The bytes of gmq's line protocol, for tests: what clients send, and how responses are laid out. */
import type { Socket } from "node:net";

export const TYPE = { message: 101, error: 102, result: 103, channel: 104, ping: 105 } as const;

/** A response: its type and its data, a byte for each character. */
export type Response = readonly [type: number, data: string];

const HEADER_BYTES = 6;

/** Text as UTF-8, one character for each byte: so that it can be joined with other bytes. */
export const utf8 = (text: string): string => Buffer.from(text).toString("latin1");

/** A length in front of bytes. */
export const sized = (bytes: string): string => u32(bytes.length) + bytes;

export const u32 = (value: number): string => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes.toString("latin1");
};

/** An element of `mpub` in the third generation, as gmq's own client writes it. */
export const element = (body: string, rest: Readonly<Record<string, unknown>> = {}): string =>
  sized(utf8(JSON.stringify({ body, topic: "", delay: 0, route_key: "", ...rest })));

/** One client, which reads responses one by one. */
export class LineReader {
  readonly socket: Socket;
  /** The other side has closed. */
  hasEnded = false;
  #bytes: Buffer = Buffer.alloc(0);
  /** What has come behind it. */
  #chunks: Buffer[] = [];
  #size = 0;
  #onChange = (): void => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (bytes) => {
      this.#chunks.push(bytes);
      this.#size += bytes.length;
      this.#onChange();
    });
    const ended = (): void => {
      this.hasEnded = true;
      this.#onChange();
    };
    socket.on("error", ended);
    socket.on("end", ended);
    socket.on("close", ended);
  }

  /** Bytes that are no whole response yet. */
  get rest(): number {
    return this.#size;
  }

  /** Undefined: the connection has ended. */
  async next(): Promise<Response | undefined> {
    for (;;) {
      const response = this.#take();
      if (response !== undefined) return response;
      if (this.hasEnded) return undefined;
      await new Promise<void>((resolve) => {
        this.#onChange = resolve;
      });
    }
  }

  async take(count: number): Promise<Response[]> {
    const responses: Response[] = [];
    while (responses.length < count) {
      const response = await this.next();
      if (response === undefined) break;
      responses.push(response);
    }
    return responses;
  }

  /** Joins what has come, once so much has. */
  #has(length: number): boolean {
    if (this.#size < length) return false;
    if (this.#bytes.length < length) {
      this.#bytes = Buffer.concat([this.#bytes, ...this.#chunks]);
      this.#chunks = [];
    }
    return true;
  }

  #take(): Response | undefined {
    if (!this.#has(HEADER_BYTES)) return undefined;
    const end = HEADER_BYTES + this.#bytes.readUInt32BE(2);
    if (!this.#has(end)) return undefined;
    const bytes = this.#bytes;
    this.#bytes = bytes.subarray(end);
    this.#size -= end;
    return [bytes.readUInt16BE(0), bytes.toString("latin1", HEADER_BYTES, end)];
  }
}

/** Sends bytes, and goes on when the system has them. */
export const send = (socket: Socket, bytes: string): Promise<void> =>
  new Promise((resolve) => {
    if (bytes === "") return resolve();
    socket.write(bytes, "latin1", () => resolve());
  });
