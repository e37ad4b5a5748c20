/**
 * What carries the bytes of a native connection: a TCP socket, a WebSocket, or the broker's own front ends. The
 * listener that made it calls the connection's `receive`, `drained` and `closed`.
 */
export interface Transport {
  /** Each write must hold whole frames. */
  readonly framed: boolean;

  /** False when the other side cannot be kept from sending. */
  readonly canPause: boolean;

  /** What carries the frames: `tcp`, `tls`, `websocket`, `grpc`, or the name of a front end. */
  readonly protocol: string;

  /** Who is at the other end: an address, with its port where it has a socket to itself. */
  readonly address: string;

  /** Sends. True: the bytes are the caller's again; false: they are the transport's for good. */
  write(bytes: Buffer): boolean;

  /** Bytes that were written and have not left the process. */
  bufferedBytes(): number;

  pause(): void;
  resume(): void;

  /** Sends what was written, then closes. Does not wait for ever. */
  end(): void;

  /** Closes at once. */
  destroy(): void;
}
