/**
 * Clients of the gRPC service, each with a connection of its own.
 */
import { type Client, type ClientReadableStream, credentials, makeGenericClientConstructor } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { projectFile } from "../processes/command.js";

const SERVICE = "mq.MQ";

export interface Published {
  readonly topic: string;
  readonly payload: Buffer;
}

export interface Delivered {
  readonly payload: Buffer;
  readonly lost: number;
}

type Pub = (request: Published, answer: (error: Error | null) => void) => void;
type Sub = (request: { readonly topic: string }) => ClientReadableStream<Delivered>;

export type MqClient = Client & { readonly Pub: Pub; readonly Sub: Sub };

/** The service, for clients and servers. */
export const mqDefinition = () => {
  const definition = loadSync(projectFile("proto/mq.proto"), { defaults: true, longs: Number })[SERVICE];
  if (definition === undefined) throw new Error(`no service ${SERVICE}`);
  return definition as Parameters<typeof makeGenericClientConstructor>[0];
};

/** `host:port` → a client. */
export const mqClient = (target: string): MqClient => {
  const Mq = makeGenericClientConstructor(mqDefinition(), SERVICE);
  const own = { "grpc.use_local_subchannel_pool": 1 };
  return new Mq(target, credentials.createInsecure(), own) as unknown as MqClient;
};
