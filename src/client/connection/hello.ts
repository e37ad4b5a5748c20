/**
 * HELLO, the first frame of each side.
 */
import { type ErrorName, ProtocolError } from "../../protocol/errors.js";
import {
  MAX_BATCH_MESSAGES,
  MAX_FRAME_BYTES,
  MAX_IN_FLIGHT,
  MAX_MESSAGE_BYTES,
  MAX_NAME_BYTES,
} from "../../protocol/limits.js";
import { PROTOCOL_VERSION } from "../../protocol/op.js";

/** The broker's limits that bind a client. */
export interface Limits {
  /** Bytes of a message: its headers and body. */
  readonly maxMessageBytes: number;
  /** Bytes of a frame after its length field. */
  readonly maxFrameBytes: number;
  /** Messages in a batch. */
  readonly maxBatchMessages: number;
  /** Unanswered requests of a connection. */
  readonly maxInFlight: number;
  /** Bytes of a name. */
  readonly maxNameBytes: number;
}

/** What the broker tells of itself. */
export interface BrokerInfo {
  /** The program and its version, for people. */
  readonly server: string;
  readonly nodeId: number;
  readonly shards: number;
  readonly limits: Limits;
}

const DEFAULTS: Record<keyof Limits, number> = {
  maxMessageBytes: MAX_MESSAGE_BYTES,
  maxFrameBytes: MAX_FRAME_BYTES,
  maxBatchMessages: MAX_BATCH_MESSAGES,
  maxInFlight: MAX_IN_FLIGHT,
  maxNameBytes: MAX_NAME_BYTES,
};

/** A bound whatever the broker says: an entry has 28 bits for its size. */
const LARGEST_FRAME = 2 ** 28;

const isPositive = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) > 0;

const refuse = (kind: ErrorName, text: string): never => {
  throw new ProtocolError(kind, text);
};

const readLimits = (told: unknown): Limits => {
  const limits = { ...DEFAULTS };
  for (const name of Object.keys(DEFAULTS) as (keyof Limits)[]) {
    const limit: unknown = Object(told)[name];
    if (limit !== undefined) limits[name] = isPositive(limit) ? limit : refuse("BAD_HEAD", `HELLO: ${name}`);
  }
  limits.maxFrameBytes = Math.min(limits.maxFrameBytes, LARGEST_FRAME);
  return limits;
};

/** The request number of HELLO. The other requests are numbered from the next one on. */
export const HELLO_REQUEST = 1;

/** Reads the head of the broker's HELLO. Throws ProtocolError when it is not one of this version. */
export const readHello = (head: readonly unknown[]): BrokerInfo => {
  const [version, server, nodeId, shards, limits] = head;
  if (version !== PROTOCOL_VERSION) {
    refuse("UNSUPPORTED_VERSION", `the broker speaks version ${String(version)}, not ${PROTOCOL_VERSION}`);
  }
  return {
    server: typeof server === "string" ? server : "",
    nodeId: isPositive(nodeId) ? nodeId : refuse("BAD_HEAD", "HELLO: node id"),
    shards: isPositive(shards) ? shards : refuse("BAD_HEAD", "HELLO: shards"),
    limits: readLimits(limits),
  };
};
