/** The front ends through which the past of a channel is read, each as its own clients do. */
import { on, once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { createInterface } from "node:readline";
import { WebSocket } from "ws";
import type { ConnectOptions, SubscribeOptions } from "../../src/client/arguments/options.js";
import type { Client } from "../../src/client/client.js";
import { createClient } from "../../src/memmq-client/index.js";
import type { TestBroker } from "../e2e/brokers.js";
import { GrpcClient } from "./memmq-grpc-client.js";

const { connect } = (await import("../../dist/client/index.js" as string)) as {
  connect: (url: string, options?: ConnectOptions) => Promise<Client>;
};

/** Where a subscriber begins. */
export type Beginning =
  | { readonly from: "start" | "now" | Date }
  | { readonly position: number; readonly epoch: string }
  | { readonly recover: true };

/** What a subscriber is told when it begins. */
export interface Told {
  readonly epoch: string;
  readonly position: number;
  readonly recovered: boolean | undefined;
  readonly lost: number | undefined;
}

export interface Replay {
  /** Undefined: this front end's clients are not told. */
  readonly told: Told | undefined;
  /** The next body. Throws when a message has been lost. */
  next(): Promise<string>;
  close(): Promise<void>;
}

export interface KeptDoor {
  readonly name: string;
  open(at: TestBroker, channel: string, beginning: Beginning): Promise<Replay>;
  /** What its clients have no words for. */
  readonly cannot?: "position";
}

const optionsOf = (beginning: Beginning): SubscribeOptions => {
  if ("position" in beginning) return { from: beginning };
  return beginning;
};

const native = (name: string, urlOf: (at: TestBroker) => string): KeptDoor => ({
  name,
  open: async (at, channel, beginning) => {
    const client = await connect(urlOf(at));
    const subscription = await client.subscribe(channel, optionsOf(beginning));
    const { epoch = "", position = -1, recovered, lost } = subscription;
    return {
      // `lost` counts from the beginning of any subscription.
      told: { epoch, position, recovered, lost: recovered === undefined ? undefined : lost },
      next: async () => {
        const { value } = await subscription.next();
        if (value === undefined || value.lost > 0) throw new Error(`${value?.lost} messages are lost`);
        return value.text();
      },
      close: async () => {
        await subscription.return();
        await client.close();
      },
    };
  },
});

const queryOf = (channel: string, beginning: Beginning): string => {
  const query = new URLSearchParams({ topic: channel });
  if ("from" in beginning) query.set("from", String(beginning.from instanceof Date ? +beginning.from : beginning.from));
  if ("position" in beginning) query.set("position", String(beginning.position));
  if ("epoch" in beginning) query.set("epoch", beginning.epoch);
  if ("recover" in beginning) query.set("recover", "1");
  return query.toString();
};

const nullable = <T>(value: unknown, made: (text: string) => T): T | undefined =>
  value === undefined || value === null ? undefined : made(String(value));

/** What headers say, or metadata. */
const toldBy = (field: (name: string) => unknown): Told => ({
  epoch: String(field("ringmq-epoch")),
  position: Number(field("ringmq-position")),
  recovered: nullable(field("ringmq-recovered"), (text) => text === "true"),
  lost: nullable(field("ringmq-lost"), Number),
});

/** Lines of JSON, the first of which tells of the subscription. Positions must be those that come next. */
const jsonReplay = async (lines: AsyncIterator<string, unknown>, close: () => Promise<void>): Promise<Replay> => {
  const next = async (): Promise<Record<string, unknown>> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error("the subscription has ended");
    return JSON.parse(`${value}`);
  };
  const toldIn = (line: Record<string, unknown>): Told => {
    const fields = line["subscribed"] as Record<string, unknown>;
    return toldBy((name) => fields[name.replace("ringmq-", "")]);
  };
  const told = toldIn(await next());
  let place = told.position;
  return {
    told,
    next: async () => {
      let line = await next();
      if (line["subscribed"] !== undefined) {
        // Its shard was restarted.
        const { recovered, lost, position } = toldIn(line);
        if (recovered !== true || lost !== 0 || position !== place) throw new Error(JSON.stringify(line));
        line = await next();
      }
      if (line["position"] !== place++) throw new Error(`${JSON.stringify(line)} instead of position ${place - 1}`);
      return Buffer.from(String(line["payload"]), "base64").toString();
    },
    close,
  };
};

const stream = async ({ http: port }: TestBroker, query: string) => {
  const get = request({ port, host: "127.0.0.1", path: `/sub?${query}` }).end();
  const [answer] = (await once(get, "response")) as [IncomingMessage];
  answer.on("error", () => {});
  const lines = createInterface({ input: answer })[Symbol.asyncIterator]();
  const close = async (): Promise<void> => {
    get.destroy();
    await once(get, "close");
  };
  return { answer, lines, close };
};

/** Of raw answers the test's bodies are lines: nothing stands between them. */
const httpRaw: KeptDoor = {
  name: "memmq's HTTP",
  open: async (at, channel, beginning) => {
    const { answer, lines, close } = await stream(at, queryOf(channel, beginning));
    const next = async () => {
      const { value } = await lines.next();
      if (value === undefined) throw new Error("the answer has ended");
      return `${value}\n`;
    };
    return { told: toldBy((name) => answer.headers[name]), next, close };
  },
};

const httpJson: KeptDoor = {
  name: "memmq's HTTP, as JSON",
  open: async (at, channel, beginning) => {
    const { lines, close } = await stream(at, `${queryOf(channel, beginning)}&format=json`);
    return jsonReplay(lines, close);
  },
};

const socketOf = async ({ http }: TestBroker, query: string) => {
  const socket = new WebSocket(`ws://127.0.0.1:${http}/sub?${query}`);
  const messages = on(socket, "message");
  const upgrade = once(socket, "upgrade");
  await once(socket, "open");
  socket.once("close", () => void messages.return?.());
  const texts = async function* (): AsyncGenerator<string, undefined> {
    for await (const [message] of messages) yield `${message}`;
    return undefined;
  };
  const close = async (): Promise<void> => {
    socket.terminate();
    await once(socket, "close");
  };
  const [{ headers }] = (await upgrade) as [IncomingMessage];
  return { headers, texts: texts(), close };
};

const socketRaw: KeptDoor = {
  name: "memmq's WebSocket",
  open: async (at, channel, beginning) => {
    const { headers, texts, close } = await socketOf(at, queryOf(channel, beginning));
    const next = async () => {
      const { value } = await texts.next();
      if (value === undefined) throw new Error("the WebSocket has ended");
      return value;
    };
    const isTold = headers["ringmq-epoch"] !== undefined;
    return { told: isTold ? toldBy((name) => headers[name]) : undefined, next, close };
  },
};

const socketJson: KeptDoor = {
  name: "memmq's WebSocket, as JSON",
  open: async (at, channel, beginning) => {
    const { texts, close } = await socketOf(at, `${queryOf(channel, beginning)}&format=json`);
    return jsonReplay(texts, close);
  },
};

const metadataOf = (beginning: Beginning): Record<string, string> => {
  if ("position" in beginning) return { position: String(beginning.position), epoch: beginning.epoch };
  if ("recover" in beginning) return { recover: "true" };
  return { from: String(beginning.from instanceof Date ? +beginning.from : beginning.from) };
};

const grpc: KeptDoor = {
  name: "memmq's gRPC",
  open: async ({ broker }, channel, beginning) => {
    const client = new GrpcClient(broker.addresses.grpc?.port ?? 0);
    const { stream: call, begun, ended } = client.sub(channel, metadataOf(beginning));
    const messages = call.iterator({ destroyOnReturn: false });
    const metadata = await begun;
    const told = toldBy((name) => metadata.get(name)[0]);
    let place = told.position;
    return {
      told,
      next: async () => {
        const { value } = await messages.next();
        if (value?.position !== place++) throw new Error(`position ${value?.position}, not ${place - 1}`);
        return Buffer.from(value.payload).toString();
      },
      close: async () => {
        call.cancel();
        await ended;
        client.close();
      },
    };
  },
};

const memmqClient = (transport: "http" | "grpc"): KeptDoor => ({
  name: `memmq's client over ${transport}`,
  cannot: "position",
  open: async ({ broker }, channel, beginning) => {
    const servers = [`http://127.0.0.1:${broker.addresses[transport]?.port}`];
    const client = createClient({ servers, transport });
    const subscription = client.subscribe(channel, "position" in beginning ? {} : beginning);
    await subscription.ready;
    return {
      told: undefined,
      next: async () => {
        const { value } = await subscription.next();
        if (value === undefined || value.lost > 0 || value.mayHaveLost) throw new Error("messages may be lost");
        return Buffer.from(value.payload).toString();
      },
      close: async () => {
        await subscription.return();
        await client.close();
      },
    };
  },
});

export const KEPT_DOORS: readonly KeptDoor[] = [
  native("native over TCP", ({ tcp }) => `tcp://127.0.0.1:${tcp}`),
  native("native over WebSocket", ({ http }) => `ws://127.0.0.1:${http}/mq`),
  httpRaw,
  httpJson,
  socketRaw,
  socketJson,
  grpc,
  memmqClient("http"),
  memmqClient("grpc"),
];
