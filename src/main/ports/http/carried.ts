/**
 * A client of a front end that has a WebSocket or an endless answer to itself. The front end makes of it what stands for
 * the client in the broker, nearly always a session, which the port then tells how its client fares.
 */
import type { SessionClient } from "../../native/session-client.js";
import type { Caller } from "./caller.js";
import type { RefusalBody } from "./exchange.js";
import type { Reach } from "./guard.js";

/** What stands for the client: see `Session`. */
export interface Carried {
  /** The client has said something. */
  heard(): void;
  /** Some of what was sent has not left. */
  unsent(): void;
  /** Some of it has. */
  drained(): void;
  /** The client has gone. Called again where it does not end with that, and is to end now. */
  closed(): void;
}

/** A WebSocket as its front end sees it. What cannot be sent any more goes nowhere. */
export interface WebSocketClient extends SessionClient, Caller {
  /** Sends the body of each of the entries in [start, end) as a binary message, with `flush`; the bytes stay good until then. */
  sendEntries(bytes: Uint8Array, view: DataView, start: number, end: number): void;
  /** Sends a text message, with `flush`. */
  sendText(text: string): void;
  flush(): void;
  /** Sends what was sent, then closes; `code` as in RFC 6455, and `reason` is cut to the 123 bytes that it may have. */
  close(code: number, reason: string): void;
}

/** What a front end does with a WebSocket. What it throws costs this client its connection. */
export interface WebSocketCodec {
  readonly carried: Carried;
  /** A message; the bytes are the port's again when it returns. */
  message(bytes: Uint8Array, isBinary: boolean): void;
}

export interface WebSocketFrontEnd {
  /** In bytes; a longer message closes its WebSocket. */
  readonly maxMessageBytes: number;
  /** What is set apart for each, of the memory for half-received messages, in bytes. */
  readonly reservedBytes: number;
  /** Which pages it answers; `own`: pages alone. Default: `named`. */
  readonly reach?: Reach;
  /** How it refuses to open one, whoever says so. Default: as the port does. */
  readonly refusal?: RefusalBody;
}

/** A client with an endless answer as its front end sees it. */
export interface StreamClient extends SessionClient, Caller {
  /** Sends the head of the answer, status 200; false: the client has gone. */
  begin(type: string, fields: readonly (readonly [string, string])[]): boolean;
  /** Sends the bodies of the entries in [start, end), with `flush`; the bytes stay good until then. */
  writeEntries(bytes: Uint8Array, view: DataView, start: number, end: number): void;
  /** Sends text, with `flush`. */
  writeText(text: string): void;
  flush(): void;
  /** Answers with an error instead, as long as nothing has begun; then closes. */
  refuse(status: string, json: string): void;
}
