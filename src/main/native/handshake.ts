/** HELLO: what a client says first, and what the broker says of itself. */
import { ProtocolError } from "../../protocol/errors.js";
import { packHead } from "../../protocol/head.js";
import { HeadCursor, Kind } from "../../protocol/head-cursor.js";
import { MAX_CLIENT_NAME } from "../../protocol/limits.js";
import { PROTOCOL_VERSION } from "../../protocol/op.js";
import { readTextUpTo } from "../../protocol/text.js";
import type { BrokerLimits } from "../limits.js";
import { VERSION } from "../version.js";

/** The head of the broker's HELLO. */
export const helloHead = (options: BrokerLimits & { readonly shards: number }): Uint8Array => {
  const { maxMessageBytes, maxFrameBytes, maxBatchMessages, maxInFlight, maxNameBytes } = options;
  const limits = { maxMessageBytes, maxFrameBytes, maxBatchMessages, maxInFlight, maxNameBytes };
  return packHead([PROTOCOL_VERSION, `ringmq/${VERSION}`, options.node, options.shards, limits]);
};

/**
 * The client's name in its HELLO, or "". No more of the head is decoded, and nothing of it is kept. ProtocolError: it does
 * not speak this version, or not this language.
 */
export const readHello = (bytes: Uint8Array): string => {
  const cursor = new HeadCursor();
  try {
    cursor.begin(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length);
    cursor.next();
    const version = cursor.kind === Kind.NUMBER ? cursor.number : undefined;
    if (version !== PROTOCOL_VERSION) {
      throw new ProtocolError("UNSUPPORTED_VERSION", `this broker speaks version ${PROTOCOL_VERSION} of the protocol`);
    }
    cursor.next();
  } catch (error) {
    if (error instanceof ProtocolError && error.kind === "UNSUPPORTED_VERSION") throw error;
    throw new ProtocolError("HANDSHAKE_REQUIRED", "the head of HELLO is [version, client name]");
  }
  const { kind, start, end } = cursor;
  return kind === Kind.STRING ? readTextUpTo(bytes, start, end, MAX_CLIENT_NAME) : "";
};
