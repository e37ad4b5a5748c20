/** The status of gRPC that a broker's error becomes. */
import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import type { Refusal } from "./channels.js";

const CODES: Readonly<Record<string, status>> = {
  BAD_ARGUMENT: status.INVALID_ARGUMENT,
  BAD_NAME: status.INVALID_ARGUMENT,
  BAD_HEAD: status.INVALID_ARGUMENT,
  BAD_PAYLOAD: status.INVALID_ARGUMENT,
  MESSAGE_TOO_LARGE: status.RESOURCE_EXHAUSTED,
  TOO_MANY_TOPICS: status.RESOURCE_EXHAUSTED,
  TOO_MANY_CONSUMERS: status.RESOURCE_EXHAUSTED,
  TOO_MANY_IN_FLIGHT: status.RESOURCE_EXHAUSTED,
  TOO_MANY_CONNECTIONS: status.RESOURCE_EXHAUSTED,
  MEMORY_FULL: status.RESOURCE_EXHAUSTED,
  QUEUE_FULL: status.RESOURCE_EXHAUSTED,
  DISK_FULL: status.RESOURCE_EXHAUSTED,
  BUSY: status.RESOURCE_EXHAUSTED,
  CLIENT_BUSY: status.RESOURCE_EXHAUSTED,
  SLOW_SUBSCRIBER: status.RESOURCE_EXHAUSTED,
  OUT_OF_DESCRIPTORS: status.RESOURCE_EXHAUSTED,
  NO_TOPIC: status.NOT_FOUND,
  NOT_ALLOWED: status.PERMISSION_DENIED,
  FORBIDDEN: status.PERMISSION_DENIED,
  UNAUTHORIZED: status.UNAUTHENTICATED,
  PROXY_LOOP: status.FAILED_PRECONDITION,
  SHUTTING_DOWN: status.UNAVAILABLE,
  SHARD_RESTARTED: status.UNAVAILABLE,
  DISK_FAULT: status.UNAVAILABLE,
  CONNECT_FAILED: status.UNAVAILABLE,
  CONNECTION_CLOSED: status.UNAVAILABLE,
  CLIENT_CLOSED: status.UNAVAILABLE,
  TOPIC_DELETED: status.ABORTED,
  UNKNOWN_OP: status.UNIMPLEMENTED,
};

/** The trailer with the broker's code, for programs. */
const ERROR_TRAILER = "ringmq-error";

/** An error that ends a call: the broker's code in front of its text, and alone in a trailer. */
export const statusOf = ({ code, text }: Refusal): ServiceError => {
  const metadata = new Metadata();
  metadata.set(ERROR_TRAILER, code);
  const details = `${code}: ${text}`;
  return Object.assign(new Error(details), { code: CODES[code] ?? status.INTERNAL, details, metadata });
};
