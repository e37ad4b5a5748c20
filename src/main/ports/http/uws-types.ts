/**
 * What the broker uses of uWebSockets.js, declared here so that the build needs no package that may not be installed. The
 * package's own types leave out `listen` with a host and options, and say that a query is never undefined.
 */

export interface UwsListenSocket {
  readonly isListenSocket?: never;
}

export interface UwsContext {
  readonly isContext?: never;
}

export interface UwsRequest {
  getMethod(): string;
  getQuery(): string | undefined;
  getHeader(lowerCaseName: string): string;
  forEach(callback: (name: string, value: string) => void): void;
}

export interface UwsHttpResponse {
  pause(): void;
  resume(): void;
  writeStatus(status: string): UwsHttpResponse;
  writeHeader(name: string, value: string): UwsHttpResponse;
  write(chunk: string): boolean;
  end(body?: string, closeConnection?: boolean): UwsHttpResponse;
  endWithoutBody(): UwsHttpResponse;
  tryEnd(bytes: Uint8Array, totalSize: number): [boolean, boolean];
  close(): UwsHttpResponse;
  getWriteOffset(): number;
  onWritable(handler: (offset: number) => boolean): UwsHttpResponse;
  onAborted(handler: () => void): UwsHttpResponse;
  onData(handler: (chunk: ArrayBuffer, isLast: boolean) => void): UwsHttpResponse;
  getRemoteAddressAsText(): ArrayBuffer;
  cork(callback: () => void): UwsHttpResponse;
  upgrade<Data>(data: Data, key: string, protocol: string, extensions: string, context: UwsContext): void;
}

export interface UwsWebSocket<Data> {
  send(message: Uint8Array | string, isBinary: boolean): number;
  getBufferedAmount(): number;
  end(code: number, reason?: string): void;
  close(): void;
  cork(callback: () => void): unknown;
  getRemoteAddressAsText(): ArrayBuffer;
  getUserData(): Data;
}

export interface UwsWebSocketBehavior<Data> {
  maxPayloadLength: number;
  idleTimeout: number;
  maxBackpressure: number;
  sendPingsAutomatically: boolean;
  upgrade(response: UwsHttpResponse, request: UwsRequest, context: UwsContext): void;
  open(socket: UwsWebSocket<Data>): void;
  message(socket: UwsWebSocket<Data>, message: ArrayBuffer, isBinary: boolean): void;
  drain(socket: UwsWebSocket<Data>): void;
  ping(socket: UwsWebSocket<Data>): void;
  close(socket: UwsWebSocket<Data>): void;
}

type UwsHandler = (response: UwsHttpResponse, request: UwsRequest) => void;

export interface UwsApp {
  listen(host: string, port: number, options: number, callback: (socket: UwsListenSocket | false) => void): UwsApp;
  head(path: string, handler: UwsHandler): UwsApp;
  any(path: string, handler: UwsHandler): UwsApp;
  ws<Data>(path: string, behavior: UwsWebSocketBehavior<Data>): UwsApp;
  filter(callback: (response: UwsHttpResponse, change: unknown) => void): UwsApp;
  close(): UwsApp;
}

export interface Uws {
  App(): UwsApp;
  SSLApp(options: { cert_file_name: string; key_file_name: string }): UwsApp;
  us_listen_socket_close(socket: UwsListenSocket): void;
  us_socket_local_port(socket: UwsListenSocket): number;
}
