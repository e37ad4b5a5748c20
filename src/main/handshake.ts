/** HELLO: what a client says first, and what the broker says of itself. */
import { readFileSync } from "node:fs";
import { ProtocolError } from "../protocol/errors.js";
import { packHead, unpackHead } from "../protocol/head.js";
import { PROTOCOL_VERSION } from "../protocol/op.js";
import type { BrokerOptions } from "./options.js";

const readVersion = (): string => {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const { version } = JSON.parse(text) as { readonly version: string };
  return version;
};

/** The version of the package. */
export const VERSION = readVersion();

/** The head of the broker's HELLO. */
export const helloHead = (options: BrokerOptions): Uint8Array => {
  const { maxMessageBytes, maxFrameBytes, maxBatchMessages, maxInFlight, maxNameBytes } = options;
  const limits = { maxMessageBytes, maxFrameBytes, maxBatchMessages, maxInFlight, maxNameBytes };
  return packHead([PROTOCOL_VERSION, `ringmq/${VERSION}`, options.node, options.shards, limits]);
};

/** A name is for the log: more than this of it says nothing. */
const MAX_CLIENT_NAME = 255;

/** The client's name in its HELLO, or "". ProtocolError: it does not speak this version, or not this language. */
export const readHello = (bytes: Uint8Array): string => {
  let head: readonly unknown[];
  try {
    head = unpackHead(bytes, 0, bytes.length);
  } catch {
    throw new ProtocolError("HANDSHAKE_REQUIRED", "the head of HELLO is [version, client name]");
  }
  const [version, name] = head;
  if (version !== PROTOCOL_VERSION) {
    throw new ProtocolError("UNSUPPORTED_VERSION", `this broker speaks version ${PROTOCOL_VERSION} of the protocol`);
  }
  return typeof name === "string" ? name.slice(0, MAX_CLIENT_NAME) : "";
};
