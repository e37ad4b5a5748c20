/** memmq's gRPC as its clients use it: grpc-js with the service of proto/mq.proto. */
import {
  type ChannelCredentials,
  type ClientReadableStream,
  credentials,
  Metadata,
  makeGenericClientConstructor,
  type ServiceError,
  type StatusObject,
} from "@grpc/grpc-js";
import { loadDefinition, type SubResponse } from "../../src/grpc/definition.js";

const { mq } = loadDefinition();

const MqClient = makeGenericClientConstructor({ ...mq }, "MQ");

/** A Sub and what came of it. */
export class Sub {
  readonly messages: SubResponse[] = [];
  /** The initial metadata: the subscription stands. */
  readonly begun: Promise<Metadata>;
  /** How it ended. */
  readonly ended: Promise<StatusObject>;
  #wanted = 0;
  #enough: () => void = () => {};

  constructor(readonly stream: ClientReadableStream<SubResponse>) {
    this.ended = new Promise((resolve) => stream.once("status", resolve));
    this.begun = new Promise((resolve, reject) => {
      stream.once("metadata", resolve);
      stream.once("error", reject);
    });
    this.begun.catch(() => {});
    stream.on("error", () => {});
  }

  /** Begins to read. */
  read(): this {
    this.stream.on("data", (message: SubResponse) => {
      this.messages.push(message);
      if (this.messages.length >= this.#wanted) this.#enough();
    });
    return this;
  }

  /** Until so many messages have come. */
  async until(count: number): Promise<readonly SubResponse[]> {
    this.#wanted = count;
    if (this.messages.length < count) await new Promise<void>((resolve) => (this.#enough = resolve));
    return this.messages;
  }

  get texts(): string[] {
    return this.messages.map(({ payload }) => Buffer.from(payload).toString());
  }
}

export class GrpcClient {
  readonly #client: InstanceType<typeof MqClient>;

  /** With channels of its own: clients do not share connections. */
  constructor(port: number, secured: ChannelCredentials = credentials.createInsecure(), options: object = {}) {
    this.#client = new MqClient(`localhost:${port}`, secured, {
      "grpc.use_local_subchannel_pool": 1,
      "grpc.max_receive_message_length": -1,
      ...options,
    });
  }

  /** Resolves when the message is taken; rejects with a ServiceError. */
  pub(topic: string, payload: Uint8Array | string, metadata: Readonly<Record<string, string>> = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      const request = { topic, payload: Buffer.from(payload) };
      this.#call("Pub")(request, of(metadata), (error: ServiceError | null) => (error ? reject(error) : resolve()));
    });
  }

  sub(topic: string, metadata: Readonly<Record<string, string>> = {}, options: object = {}): Sub {
    return new Sub(this.#call("Sub")({ topic }, of(metadata), options) as ClientReadableStream<SubResponse>);
  }

  /** A subscription that stands, and is read. */
  async subscribed(topic: string, metadata: Readonly<Record<string, string>> = {}): Promise<Sub> {
    const sub = this.sub(topic, metadata).read();
    await sub.begun;
    return sub;
  }

  /** Sends bytes as the request of a Pub. Rejects with a ServiceError. */
  raw(bytes: Uint8Array): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const same = (value: Buffer): Buffer => value;
      this.#client.makeUnaryRequest("/mq.MQ/Pub", same, same, Buffer.from(bytes), (error, value) =>
        error ? reject(error) : resolve(value),
      );
    });
  }

  close(): void {
    this.#client.close();
  }

  #call(name: string): (...given: unknown[]) => unknown {
    const call = this.#client[name];
    if (call === undefined) throw new Error(`no method ${name}`);
    return (...given) => Reflect.apply(call, this.#client, given);
  }
}

const of = (entries: Readonly<Record<string, string>>): Metadata => {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(entries)) metadata.set(key, value);
  return metadata;
};
