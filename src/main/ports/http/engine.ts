/**
 * What serves HTTP and WebSocket on a port, whichever library does it. The port says what paths do and who may come in;
 * an engine brings it requests and WebSockets, and carries out what it answers.
 */
import type { Log } from "../../log.js";
import type { Address } from "../../options.js";
import type { Certificate } from "../certificate.js";
import type { EntryRanges } from "./entry-ranges.js";

export type HttpEngineName = "uws" | "node";

/** A request's head, good until its handler returns. */
export interface HttpRequest {
  /** In lower case. */
  readonly method: string;
  /** What stands behind the `?`, as it was sent; empty without one. */
  readonly query: string;
  /** The first header of a name in lower case; empty when there is none. */
  header(name: string): string;
  /** All headers in their order, each as often as it was sent; names in lower case. */
  eachHeader(callback: (name: string, value: string) => void): void;
}

export interface AnswerHead {
  /** Such as `404 Not Found`. Undefined: 200. */
  readonly status: string | undefined;
  /** Content-Type. */
  readonly type: string | undefined;
  readonly fields: readonly (readonly [string, string])[];
}

/**
 * The answer to a request, and its body. Once the answer is whole or the client has gone nothing here does anything. The
 * callbacks must not throw.
 */
export interface HttpResponse {
  /** Of the client. */
  readonly remoteAddress: string;
  /** What the client's certificate says it is: see `UserOptions.certificate`. */
  readonly certificateNames: readonly string[];
  /** Calls back when the client goes before the answer is whole. To be called before the request's handler returns. */
  onAborted(callback: () => void): void;
  /**
   * Calls back with each part of the body, whose bytes are good until it returns. To be called before the request's
   * handler returns. A body that nobody asks for is read and dropped.
   */
  onData(callback: (bytes: Buffer, isLast: boolean) => void): void;
  /** Reads no more of the connection for now, except what is read already. */
  pauseBody(): void;
  resumeBody(): void;
  /** Sends the whole answer. Undefined: without a body, and without telling a length. */
  send(head: AnswerHead, body: string | undefined): void;
  /** The same for one that the socket may not take at once; `onLeft` is told how many bytes wait, 0 in the end. */
  sendLong(head: AnswerHead, body: Buffer, onLeft: (bytes: number) => void): void;
  /** Begins an answer in parts with the first. False: wait for `onWritable` before the next. */
  begin(head: AnswerHead, part: string): boolean;
  /** Sends another. */
  write(part: string): boolean;
  onWritable(callback: () => void): void;
  /** Sends the last part. */
  end(part: string): void;
  /** Begins an answer without an end: its head leaves at once. `onDrained` is told when the client has taken what waited. */
  stream(head: AnswerHead, onDrained: () => void): AnswerStream;
  /** Sends the whole answer, closes the connection, and runs nothing that has come behind the request. */
  reject(head: AnswerHead, body: string): void;
  /** Closes the connection, whatever has been sent. */
  close(): void;
}

/** An answer whose parts leave as they come. Once it has ended or the client has gone nothing here does anything. */
export interface AnswerStream {
  /** Bytes of it that were written and that the socket has not taken. */
  readonly unsentBytes: number;
  /** The bytes are the caller's again when it returns. */
  write(bytes: Uint8Array): void;
  /** Sends what was written, then closes the connection. */
  end(): void;
}

export type RequestHandler = (request: HttpRequest, response: HttpResponse) => void;

/** A WebSocket as the port uses it. Once it is closed nothing here does anything. */
export interface HttpWebSocket {
  readonly remoteAddress: string;
  /** False when the other side cannot be kept from sending. */
  readonly canPause: boolean;
  /** Bytes that were sent and have not left the process. */
  readonly bufferedBytes: number;
  /**
   * Sends binary messages: `bytes` cut where `messageEnd` says. True: the bytes are the caller's again; false: they are
   * the WebSocket's for good.
   */
  send(bytes: Buffer, messageEnd: (bytes: Buffer, start: number) => number): boolean;
  /** Sends the body of each of these entries as a binary message; the bytes are the caller's again. */
  sendEntries(entries: EntryRanges): void;
  /** Sends text messages. */
  sendTexts(texts: readonly string[]): void;
  pause(): void;
  resume(): void;
  /** Sends what was sent, then closes; takes no more messages. */
  end(code: number, reason?: string): void;
  /** Closes at once. */
  close(): void;
}

/** Who is behind a WebSocket. Its methods must not throw. */
export interface WebSocketPeer {
  opened(socket: HttpWebSocket): void;
  /** The bytes are the engine's again when it returns. */
  message(bytes: Uint8Array, isBinary: boolean): void;
  /** What waited to be sent has been sent. */
  drained(): void;
  /** The engine has answered a ping by itself, and something waits to be sent. */
  unsent(): void;
  closed(): void;
}

export interface WebSocketRoute {
  /** A longer message closes its WebSocket. */
  readonly maxMessageBytes: number;
  /** Seconds without a sign of life after which a peer is pinged, and soon after taken for dead. */
  readonly idleTimeout: number;
  /** Who is behind the WebSocket. Undefined: there is to be none, and the request is answered. */
  accept(request: HttpRequest, response: HttpResponse): WebSocketPeer | undefined;
}

/** What an engine needs of the port. */
export interface EngineHost {
  readonly log: Log;
  /** Whether the newest socket, which is counted, may stay. */
  admitsSocket(): boolean;
  /** A connection could not be accepted. */
  acceptFailed(error: Error): void;
}

export interface HttpEngine {
  readonly name: HttpEngineName;
  /** Sockets that are not WebSockets. */
  readonly plain: number;
  readonly webSockets: number;
  readonly isListening: boolean;
  /** Answers that have ended are not sent in full yet, as far as the engine knows. */
  readonly isSending: boolean;
  /** What a path does; `any` is every method that has no handler of its own. The path `/*` is all that have none. */
  add(method: "head" | "any", path: string, handler: RequestHandler): void;
  addWebSocket(path: string, route: WebSocketRoute): void;
  /**
   * Listens; call it when all paths have been added. Again after `pause`: at the address that it answered.
   *
   * @throws ListenError when the address cannot be had.
   */
  open(address: Address): Promise<Address>;
  /** Connections that come from now on are shown this certificate; those that are there stay. It was made with one. */
  renew(certificate: Certificate): void;
  /** Takes no more sockets. Those that are there stay. */
  pause(): void;
  /** Closes everything at once. */
  close(): void;
}

/** With a certificate it speaks TLS. */
export type HttpEngineFactory = (host: EngineHost, certificate?: Certificate) => HttpEngine;
