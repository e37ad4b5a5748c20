/**
 * A TCP server that a test controls. It records the frames of the client, and can send what no broker would.
 */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import type { ConnectOptions } from "../../src/client/arguments/options.js";
import type { Client } from "../../src/client/client.js";
import { connect } from "../../src/client/connect.js";
import { packHead } from "../../src/protocol/head.js";
import { NUMBERS_BYTES } from "../../src/protocol/numbers.js";
import { Answer, Durability, Op, PROTOCOL_VERSION } from "../../src/protocol/op.js";
import { FIRST_ID_LOW, SELECTION_BYTES } from "../../src/protocol/selection.js";
import { entries, type Frame, frame, splitFrames } from "../main/frames.js";

export { entries, type Frame, frame };

export const hello = (limits: Readonly<Record<string, number>> = {}, version = PROTOCOL_VERSION): Buffer =>
  frame(Op.HELLO, 1, [version, "scripted", 1, 1, limits]);

export interface ReceiptFields {
  readonly request: number;
  readonly requests?: number;
  readonly high?: number;
  readonly low?: number;
  readonly messages?: number;
}

/** Big-endian words. */
const words = (...numbers: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(numbers.length * 4);
  for (const [i, number] of numbers.entries()) bytes.writeUInt32BE(number, i * 4);
  return bytes;
};

export const confirm = (...receipts: readonly ReceiptFields[]): Buffer => {
  const payload = receipts.map(({ request, requests = 1, high = 0, low = 0, messages = 1 }) =>
    words(request, requests, high, low, messages),
  );
  return frame(Answer.CONFIRM, 0, [], Buffer.concat(payload), Durability.write);
};

/** SETTLED with faults `[high, low, count, code]`. */
export const settled = (request: number, count: number, ...faults: readonly (readonly number[])[]): Buffer => {
  const payload = faults.map(([high = 0, low = 0, n = 1, code = 0]) => words(high, low, n, code * 0x1_0000));
  return frame(Answer.SETTLED, request, [count], Buffer.concat(payload));
};

/** RESULT, whose value is its payload. */
export const result = (request: number, value: unknown = null): Buffer =>
  frame(Answer.RESULT, request, [], packHead([value]));

/** When the leases of `runs` end. */
export const DEADLINE = 1e12;

/** The answer to CONSUME: the leases of `runs` have just begun. */
export const begun = (request: number, { now = DEADLINE - 60_000, ttr = 60_000, autoAck = false } = {}): Buffer =>
  result(request, { now, ttr, autoAck });

/** Answers a PING, a CONSUME, and whatever else has an answer with a CONFIRM. */
export const answerTo = ({ op, request }: Frame, autoAck = false): Buffer => {
  if (request === 0) return Buffer.alloc(0);
  if (op === Op.CONSUME) return begun(request, { autoAck });
  return op === Op.PING ? result(request) : confirm({ request });
};

export const error = (request: number, code: number, text: string, retryable: boolean, closes: boolean): Buffer =>
  frame(Answer.ERROR, request, [code, text, retryable, closes]);

export interface RunFields {
  readonly high: number;
  readonly low: number;
  /** 0 when the messages are acked on delivery. */
  readonly delivery: number;
  readonly bodies: readonly string[];
  /** When the lease ends. Default `DEADLINE`. */
  readonly time?: number;
}

/** The payload of MESSAGES. */
export const runs = (...list: readonly RunFields[]): Buffer =>
  Buffer.concat(
    list.flatMap(({ high, low, delivery, bodies, time: ends = DEADLINE }) => {
      const payload = entries(...bodies);
      const time = Buffer.alloc(8);
      time.writeDoubleBE(delivery === 0 ? 0 : ends);
      return [words(high, low, bodies.length, payload.length, delivery, 0), time, payload];
    }),
  );

/** What a numbered PUBLISH has before its entries; nothing in others. */
const numbersIn = ({ op, head }: Frame): number =>
  op === Op.PUBLISH && typeof head[4] === "string" ? NUMBERS_BYTES : 0;

/** The bodies of entries without headers, as text. */
export const bodiesOf = (published: Frame): string[] => {
  const payload = published.payload.subarray(numbersIn(published));
  const bodies: string[] = [];
  for (let at = 0; at < payload.length; ) {
    const end = at + 4 + payload.readUInt32BE(at);
    bodies.push(payload.toString("utf8", at + 4, end));
    at = end;
  }
  return bodies;
};

/** Selections as `[low word of the first id, count, delivery]`. */
export const selectionsOf = ({ payload }: Frame): number[][] =>
  Array.from({ length: payload.length / SELECTION_BYTES }, (_, i) =>
    [FIRST_ID_LOW, 8, 12].map((at) => payload.readUInt32BE(i * SELECTION_BYTES + at)),
  );

export class ScriptedBroker {
  readonly frames: Frame[] = [];
  /** Called with each frame after HELLO. */
  answer: (frame: Frame) => void = () => {};
  #socket: Socket | undefined;
  #waiters: (() => void)[] = [];

  private constructor(
    private readonly server: Server,
    private readonly greeting: Uint8Array | undefined,
  ) {
    server.on("connection", (socket) => this.#connected(socket));
  }

  /** `greeting` is its answer to HELLO; undefined: none. It is closed at the end of the test. */
  static async start(greeting: Uint8Array | undefined): Promise<ScriptedBroker> {
    const broker = new ScriptedBroker(createServer(), greeting);
    broker.server.listen(0, "127.0.0.1");
    await once(broker.server, "listening");
    onTestFinished(() => broker.stop());
    return broker;
  }

  get url(): string {
    return `tcp://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get socket(): Socket {
    if (this.#socket === undefined) throw new Error("nobody has connected");
    return this.#socket;
  }

  send(...frames: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  /** The frames of an operation, once there are this many. */
  async seen(op: number, count = 1): Promise<readonly Frame[]> {
    for (;;) {
      const found = this.frames.filter((seen) => seen.op === op);
      if (found.length >= count) return found;
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  /** The last of the first `count` frames of an operation, once it has come. */
  async nth(op: number, count = 1): Promise<Frame> {
    const found = (await this.seen(op, count))[count - 1];
    if (found === undefined) throw new Error("unreachable");
    return found;
  }

  async stop(): Promise<void> {
    if (!this.server.listening) return;
    this.#socket?.destroy();
    this.server.close();
    await once(this.server, "close");
  }

  #connected(socket: Socket): void {
    this.#socket = socket;
    socket.setNoDelay(true);
    // A client that gives up resets the connection, which some tests do on purpose.
    socket.on("error", () => {});
    let rest: Buffer = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      const split = splitFrames(Buffer.concat([rest, chunk]));
      rest = split.rest;
      for (const seen of split.frames) {
        this.frames.push(seen);
        if (seen.op !== Op.HELLO) this.answer(seen);
        else if (this.greeting !== undefined) socket.write(this.greeting);
      }
      const waiters = this.#waiters;
      this.#waiters = [];
      for (const resolve of waiters) resolve();
    });
  }
}

/** A client that ends with its connection, and has no timers of its own. */
const ONE_CONNECTION = {
  reconnect: false,
  publishTimeout: Number.POSITIVE_INFINITY,
  requestTimeout: Number.POSITIVE_INFINITY,
} as const satisfies ConnectOptions;

/** A client of one connection and its scripted broker. Both are closed at the end of the test. */
export const connected = async (
  options: ConnectOptions = {},
  greeting = hello(),
): Promise<{ readonly client: Client; readonly broker: ScriptedBroker }> => {
  const broker = await ScriptedBroker.start(greeting);
  const client = await connect(broker.url, { ...ONE_CONNECTION, ...options });
  onTestFinished(() => client.close());
  return { client, broker };
};

/** Confirms every PUBLISH with the ids 1:100, 1:101, … of its messages. */
export const confirming = (broker: ScriptedBroker): void => {
  let next = 100;
  broker.answer = (seen) => {
    if (seen.op !== Op.PUBLISH) return;
    const messages = bodiesOf(seen).length;
    broker.send(confirm({ request: seen.request, high: 1, low: next, messages }));
    next += messages;
  };
};
