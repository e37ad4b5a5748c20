/** HELLO: what a client says first, and what the broker says of itself. */
import { ProtocolError } from "../../protocol/errors.js";
import { packHead } from "../../protocol/head.js";
import { HeadCursor, Kind } from "../../protocol/head-cursor.js";
import { MAX_CLIENT_NAME } from "../../protocol/limits.js";
import { PROTOCOL_VERSION } from "../../protocol/op.js";
import { readTextUpTo } from "../../protocol/text.js";
import { VERSION } from "../../protocol/version.js";
import type { BrokerLimits } from "../limits.js";

/** The head of the broker's HELLO. */
export const helloHead = (options: BrokerLimits & { readonly shards: number }): Uint8Array => {
  const { maxMessageBytes, maxFrameBytes, maxBatchMessages, maxInFlight, maxNameBytes } = options;
  const limits = { maxMessageBytes, maxFrameBytes, maxBatchMessages, maxInFlight, maxNameBytes };
  return packHead([PROTOCOL_VERSION, `ringmq/${VERSION}`, options.node, options.shards, limits]);
};

/** What a client says of itself. */
export interface Greeting {
  /** Empty: it has said none. */
  readonly name: string;
  /** Undefined: it has shown none. */
  readonly token: string | undefined;
}

const BAD_GREETING = "the head of HELLO is [version, client name, token]";

/** No more of the head is decoded. ProtocolError: the client does not speak this version, or not this language. */
export const readHello = (bytes: Uint8Array): Greeting => {
  const cursor = new HeadCursor();
  try {
    cursor.begin(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length);
    cursor.next();
    const version = cursor.kind === Kind.NUMBER ? cursor.number : undefined;
    if (version !== PROTOCOL_VERSION) {
      throw new ProtocolError("UNSUPPORTED_VERSION", `this broker speaks version ${PROTOCOL_VERSION} of the protocol`);
    }
    const name = nextText(cursor, bytes, MAX_CLIENT_NAME) ?? "";
    // A greeting is short: see `MAX_GREETING_BYTES`.
    return { name, token: nextText(cursor, bytes, bytes.length) };
  } catch (error) {
    if (error instanceof ProtocolError && error.kind === "UNSUPPORTED_VERSION") throw error;
    throw new ProtocolError("HANDSHAKE_REQUIRED", BAD_GREETING);
  }
};

const nextText = (cursor: HeadCursor, bytes: Uint8Array, max: number): string | undefined => {
  cursor.next();
  const { kind, start, end } = cursor;
  return kind === Kind.STRING ? readTextUpTo(bytes, start, end, max) : undefined;
};
