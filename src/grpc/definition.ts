/** The service of proto/mq.proto, with types. */
import { fileURLToPath } from "node:url";
import type { MethodDefinition } from "@grpc/grpc-js";
import { loadSync, type PackageDefinition } from "@grpc/proto-loader";

const PROTO = fileURLToPath(new URL("../../proto/mq.proto", import.meta.url));

export interface PubRequest {
  readonly topic: string;
  readonly payload: Uint8Array;
}

export interface SubRequest {
  readonly topic: string;
}

export interface SubResponse {
  readonly payload: Uint8Array;
  readonly position: number;
  readonly id: string;
  readonly lost: number;
}

export type PubResponse = Readonly<Record<string, never>>;

export interface MqDefinition {
  readonly Pub: MethodDefinition<PubRequest, PubResponse>;
  readonly Sub: MethodDefinition<SubRequest, SubResponse>;
}

export const MQ_SERVICE = "mq.MQ";

/** The package as it is loaded, for the reflection service, and its service. */
export const loadDefinition = (): { readonly loaded: PackageDefinition; readonly mq: MqDefinition } => {
  const loaded = loadSync(PROTO, { defaults: true, longs: Number });
  const mq = loaded[MQ_SERVICE];
  if (mq === undefined || !("Pub" in mq) || !("Sub" in mq)) throw new Error(`${PROTO} has no service ${MQ_SERVICE}`);
  // What proto-loader makes of a file has no types of its own.
  return { loaded, mq: mq as unknown as MqDefinition };
};
