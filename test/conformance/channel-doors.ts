/** The front ends through which channels are reached. A front end that is added gets a row in `CHANNEL_DOORS`. */
import { on, once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { connect as connectSocket } from "node:net";
import { createInterface } from "node:readline";
import { WebSocket } from "ws";
import type { ConnectOptions } from "../../src/client/arguments/options.js";
import type { ChannelMessage } from "../../src/client/channels/channel-message.js";
import type { Client } from "../../src/client/client.js";
import type { TestBroker } from "../e2e/brokers.js";
import { LineReader, send, sized, TYPE } from "./gmq-line-wire.js";
import { GrpcClient } from "./memmq-grpc-client.js";

const { connect } = (await import("../../dist/client/index.js" as string)) as {
  connect: (url: string, options?: ConnectOptions) => Promise<Client>;
};

/** What one subscriber hears. */
export interface Listener {
  /** The next body. */
  next(): Promise<Buffer>;
  /** How many messages it was told to have lost before the last body. */
  readonly lost: number;
  /** Leaves the channel. */
  close(): Promise<void>;
}

export interface ChannelDoor {
  readonly name: string;
  /** Publishes in this order, without waiting for each. Resolves when all are taken. */
  publish(at: TestBroker, channel: string, bodies: readonly Buffer[]): Promise<void>;
  /** Resolves when it is subscribed. */
  subscribe(at: TestBroker, channel: string): Promise<Listener>;
  /** As `subscribe`, for one that takes no more than 100 messages ahead of `next`. Absent: losses are not told in band. */
  readonly subscribeSlowly?: (at: TestBroker, channel: string) => Promise<Listener>;
}

class ClientListener implements Listener {
  lost = 0;

  constructor(
    private readonly client: Client,
    private readonly messages: AsyncIterator<ChannelMessage, undefined>,
  ) {}

  async next(): Promise<Buffer> {
    const { value } = await this.messages.next();
    if (value === undefined) throw new Error("the subscription has ended");
    this.lost = value.lost;
    return Buffer.from(value.body);
  }

  async close(): Promise<void> {
    await this.messages.return?.();
    await this.client.close();
  }
}

const native = (name: string, urlOf: (at: TestBroker) => string): ChannelDoor => ({
  name,
  publish: async (at, channel, bodies) => {
    const client = await connect(urlOf(at));
    await Promise.all(bodies.map((body) => client.publishToChannel(channel, body)));
    await client.close();
  },
  subscribe: async (at, channel) => {
    const client = await connect(urlOf(at));
    return new ClientListener(client, await client.subscribe(channel));
  },
  subscribeSlowly: async (at, channel) => {
    const client = await connect(urlOf(at));
    return new ClientListener(client, await client.subscribe(channel, { credit: 100 }));
  },
});

const lines = (at: TestBroker): LineReader =>
  new LineReader(connectSocket({ port: at.tcp, host: "127.0.0.1", noDelay: true }));

/** The next response that is no sign of life. */
const heard = async (reader: LineReader): Promise<readonly [number, string]> => {
  for (;;) {
    const response = await reader.next();
    if (response === undefined) throw new Error("the broker has closed");
    if (response[0] !== TYPE.ping) return response;
  }
};

const expectOk = async (reader: LineReader): Promise<void> => {
  const [type, text] = await heard(reader);
  if (type !== TYPE.result) throw new Error(text);
};

const hangUp = async ({ socket }: LineReader): Promise<void> => {
  socket.destroy();
  await once(socket, "close");
};

const line: ChannelDoor = {
  name: "gmq line",
  publish: async (at, channel, bodies) => {
    const reader = lines(at);
    const commands = bodies.map((body) => `publish ${channel}\n${sized(body.toString("latin1"))}`);
    await send(reader.socket, commands.join(""));
    for (const _ of bodies) await expectOk(reader);
    await hangUp(reader);
  },
  subscribe: async (at, channel) => {
    const reader = lines(at);
    await send(reader.socket, `subscribe ${channel}\n`);
    await expectOk(reader);
    return {
      lost: 0,
      next: async () => Buffer.from((await heard(reader))[1], "latin1"),
      close: () => hangUp(reader),
    };
  },
};

/** What the lines of memmq's JSON say, one by one. */
class JsonListener implements Listener {
  lost = 0;
  readonly #lines: AsyncIterator<string, undefined>;
  readonly #hangUp: () => Promise<void>;

  private constructor(lines: AsyncIterator<string, undefined>, hangUp: () => Promise<void>) {
    this.#lines = lines;
    this.#hangUp = hangUp;
  }

  static async open(lines: AsyncIterator<string, undefined>, hangUp: () => Promise<void>): Promise<JsonListener> {
    const listener = new JsonListener(lines, hangUp);
    if ((await listener.#next())["subscribed"] === undefined) throw new Error("no word of the subscription");
    return listener;
  }

  async next(): Promise<Buffer> {
    for (this.lost = 0; ; ) {
      const { payload, lost } = await this.#next();
      if (typeof payload === "string") return Buffer.from(payload, "base64");
      this.lost += Number(lost);
    }
  }

  close(): Promise<void> {
    return this.#hangUp();
  }

  async #next(): Promise<Record<string, unknown>> {
    const { value } = await this.#lines.next();
    if (value === undefined) throw new Error("the subscription has ended");
    return JSON.parse(value);
  }
}

const memmqSocket: ChannelDoor = {
  name: "memmq's WebSocket",
  publish: async ({ http }, channel, bodies) => {
    const socket = new WebSocket(`ws://127.0.0.1:${http}/pub?topic=${channel}`);
    await once(socket, "open");
    for (const body of bodies) socket.send(body);
    // What comes before the end is published.
    socket.close(1000);
    await once(socket, "close");
  },
  subscribe: async ({ http }, channel) => {
    const socket = new WebSocket(`ws://127.0.0.1:${http}/sub?topic=${channel}&format=json`);
    const messages = on(socket, "message");
    const texts = async function* (): AsyncGenerator<string, undefined> {
      for await (const [message] of messages) yield `${message}`;
      return undefined;
    };
    return JsonListener.open(texts(), async () => {
      socket.terminate();
      await once(socket, "close");
    });
  },
};

const memmqHttp: ChannelDoor = {
  name: "memmq's HTTP",
  publish: async ({ http: port }, channel, bodies) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (const body of bodies) {
      const post = request({ port, host: "127.0.0.1", method: "POST", path: `/pub?topic=${channel}`, agent }).end(body);
      const [answer] = (await once(post, "response")) as [IncomingMessage];
      answer.resume();
      await once(answer, "end");
      if (answer.statusCode !== 200) throw new Error(`POST was answered ${answer.statusCode}`);
    }
    agent.destroy();
  },
  subscribe: async ({ http: port }, channel) => {
    const get = request({ port, host: "127.0.0.1", path: `/sub?topic=${channel}&format=json` }).end();
    const [answer] = (await once(get, "response")) as [IncomingMessage];
    answer.on("error", () => {});
    const lines = createInterface({ input: answer })[Symbol.asyncIterator]();
    return JsonListener.open(lines, async () => {
      get.destroy();
      await once(get, "close");
    });
  },
};

const memmqGrpc: ChannelDoor = {
  name: "memmq's gRPC",
  publish: async ({ broker }, channel, bodies) => {
    const client = new GrpcClient(broker.addresses.grpc?.port ?? 0);
    // Calls that are under way together have no order.
    for (const body of bodies) await client.pub(channel, body);
    client.close();
  },
  subscribe: async ({ broker }, channel) => {
    const client = new GrpcClient(broker.addresses.grpc?.port ?? 0);
    const { stream, begun, ended } = client.sub(channel);
    const messages = stream.iterator({ destroyOnReturn: false });
    await begun;
    const listener = {
      lost: 0,
      next: async () => {
        const { value } = await messages.next();
        if (value === undefined) throw new Error("the subscription has ended");
        listener.lost = value.lost;
        return Buffer.from(value.payload);
      },
      close: async () => {
        stream.cancel();
        await ended;
        client.close();
      },
    };
    return listener;
  },
};

export const CHANNEL_DOORS: readonly ChannelDoor[] = [
  native("native over TCP", ({ tcp }) => `tcp://127.0.0.1:${tcp}`),
  native("native over WebSocket", ({ http }) => `ws://127.0.0.1:${http}/mq`),
  line,
  memmqSocket,
  memmqHttp,
  memmqGrpc,
];
