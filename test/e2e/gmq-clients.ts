/** Clients of gmq's protocols and of our own that do the same things, for tests across protocols. Closed when the test ends. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import type { TestBroker } from "./brokers.js";
import { clientOf } from "./clients.js";

export interface PoppedMessage {
  readonly id: string;
  readonly body: Buffer;
  readonly retry: number;
}

/** One way in. What it refuses throws, with the refusal's text. */
export interface WayIn {
  readonly name: string;
  /** A body of bytes arrives whole when it is pushed, or popped, this way. */
  readonly pushesBytes: boolean;
  readonly popsBytes: boolean;
  /** Ids are those of the broker; else those that clients chose. */
  readonly hasMessageIds: boolean;
  push(topic: string, body: Buffer, options?: { readonly delay?: number; readonly routeKey?: string }): Promise<void>;
  /** Undefined: nothing is there. */
  pop(topic: string): Promise<PoppedMessage | undefined>;
  ack(topic: string, id: string): Promise<void>;
  /** A dead letter; only where the protocol has them. */
  popDead?(topic: string): Promise<PoppedMessage | undefined>;
}

/** Milliseconds for an answer. */
const MAX_WAIT = 20_000;

/** Reads a socket by lengths. */
class Reader {
  #bytes = Buffer.alloc(0);
  #look = (): void => {};

  constructor(readonly socket: Socket) {
    socket.on("data", (bytes) => {
      this.#bytes = Buffer.concat([this.#bytes, bytes]);
      this.#look();
    });
    socket.on("error", () => {});
    socket.on("close", () => this.#look());
  }

  async take(length: number): Promise<Buffer> {
    const deadline = setTimeout(() => this.socket.destroy(new Error("nothing came")), MAX_WAIT);
    while (this.#bytes.length < length) {
      if (this.socket.destroyed) throw new Error("the connection has closed");
      await new Promise<void>((resolve) => {
        this.#look = resolve;
      });
    }
    clearTimeout(deadline);
    const taken = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length);
    return taken;
  }
}

const openSocket = async (port: number): Promise<Socket> => {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  return socket;
};

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** gmq's line protocol, third generation but for pops, which do not wait in the second. */
export const lineWay = async ({ tcp }: TestBroker): Promise<WayIn> => {
  const socket = await openSocket(tcp);
  const reader = new Reader(socket);
  const answer = async (): Promise<{ type: number; data: Buffer }> => {
    const head = await reader.take(6);
    return { type: head.readUInt16BE(0), data: await reader.take(head.readUInt32BE(2)) };
  };
  const ask = async (...parts: (string | Buffer)[]): Promise<{ type: number; data: Buffer }> => {
    socket.write(Buffer.concat(parts.map((part) => Buffer.from(part as string))));
    return answer();
  };
  const message = ({ type, data }: { type: number; data: Buffer }): PoppedMessage | undefined => {
    if (type === 102 && `${data}`.includes("no message")) return undefined;
    if (type !== 101) throw new Error(`${data}`);
    const { id, body, retry_count: retry } = JSON.parse(`${data}`);
    return { id, body: Buffer.from(body), retry };
  };
  const done = ({ type, data }: { type: number; data: Buffer }): void => {
    if (type !== 103) throw new Error(`${data}`);
  };
  return {
    name: "line",
    pushesBytes: true,
    popsBytes: false,
    hasMessageIds: true,
    push: async (topic, body, { delay = 0, routeKey = "" } = {}) =>
      done(await ask(`pub ${topic} ${routeKey} ${delay}\n`, u32(body.length), body)),
    pop: async (topic) => message(await ask(`pop ${topic}\n`)),
    ack: async (topic, id) => done(await ask(`ack ${id} ${topic} \n`)),
    popDead: async (topic) => message(await ask(`dead ${topic} \n`)),
  };
};

/** gmq's first generation. */
export const frameWay = async ({ tcp }: TestBroker, ttr = 60): Promise<WayIn> => {
  const socket = await openSocket(tcp);
  const reader = new Reader(socket);
  let jobs = 0;
  const ask = async (command: string, data: string): Promise<{ type: number; data: string }> => {
    const head = Buffer.alloc(8);
    head.write("v111");
    head.writeInt16BE(command.length, 4);
    head.writeInt16BE(Buffer.byteLength(data), 6);
    socket.write(Buffer.concat([head, Buffer.from(command + data)]));
    const answer = await reader.take(4);
    const bytes = await reader.take(answer.readInt16BE(2));
    const type = answer.readInt16BE(0);
    if (type === 1) throw new Error(`${bytes}`);
    return { type, data: `${bytes}` };
  };
  return {
    name: "frame",
    pushesBytes: false,
    popsBytes: false,
    hasMessageIds: false,
    push: async (topic, body, { delay = 0 } = {}) => {
      const job = {
        Id: `job-${process.hrtime.bigint()}-${++jobs}`,
        Topic: topic,
        Delay: delay,
        TTR: ttr,
        Body: `${body}`,
      };
      await ask("push", JSON.stringify(job));
    },
    pop: async (topic) => {
      const { type, data } = await ask("pop", topic);
      if (type === 2) return undefined;
      const { Id: id, Body: body, ConsumeNum: retry } = JSON.parse(data);
      return { id: `${id}`, body: Buffer.from(body), retry };
    },
    ack: async (_topic, id) => void (await ask("ack", JSON.stringify({ JobId: id }))),
  };
};

/** gmq's HTTP API. */
export const httpWay = async ({ http }: TestBroker): Promise<WayIn> => {
  const ask = async (path: string, init?: RequestInit): Promise<{ code: number; data: unknown; msg: string }> => {
    const response = await fetch(`http://127.0.0.1:${http}${path}`, init);
    return (await response.json()) as { code: number; data: unknown; msg: string };
  };
  const done = ({ code, msg }: { code: number; msg: string }): void => {
    if (code !== 0) throw new Error(msg);
  };
  return {
    name: "http",
    pushesBytes: false,
    popsBytes: false,
    hasMessageIds: true,
    push: async (topic, body, { delay = 0, routeKey = "" } = {}) => {
      const data = JSON.stringify({ body: `${body}`, topic, delay, route_key: routeKey });
      done(await ask("/push", { method: "POST", body: new URLSearchParams({ data }) }));
    },
    pop: async (topic) => {
      const answer = await ask(`/pop?topic=${encodeURIComponent(topic)}`);
      if (answer.code === 1 && answer.msg === "no message") return undefined;
      done(answer);
      const { id, body, retry_count: retry } = answer.data as { id: string; body: string; retry_count: number };
      return { id, body: Buffer.from(body), retry };
    },
    ack: async (topic, id) => done(await ask(`/ack?topic=${encodeURIComponent(topic)}&msgId=${id}`)),
  };
};

/** The native protocol. */
export const nativeWay = async ({ tcp }: TestBroker): Promise<WayIn> => {
  const client = await clientOf(tcp);
  const first = (messages: readonly { id: string; body: Uint8Array; retry: number }[]): PoppedMessage | undefined => {
    const [message] = messages;
    return message && { id: message.id, body: Buffer.from(message.body), retry: message.retry };
  };
  return {
    name: "native",
    pushesBytes: true,
    popsBytes: true,
    hasMessageIds: true,
    push: async (topic, body, { delay = 0, routeKey = "" } = {}) => {
      await client.publish(topic, body, { delay: delay * 1000, routeKey });
    },
    pop: async (topic) =>
      first(await client.pop(topic).catch((error) => (error.code === "NO_TOPIC" ? [] : Promise.reject(error)))),
    ack: async (topic, id) => {
      const { faults } = await client.ackById(topic, [id]);
      if (faults.length > 0) throw new Error(`${faults[0]?.code}`);
    },
    popDead: async (topic) => first(await client.popDead(topic)),
  };
};

export const waysIn = async (broker: TestBroker): Promise<WayIn[]> => [
  await httpWay(broker),
  await lineWay(broker),
  await frameWay(broker),
  await nativeWay(broker),
];
