/**
 * What carries the bytes of a native connection: a TCP socket, a WebSocket, or the broker's own front ends. The
 * listener that made it calls the connection's `receive`, `drained` and `closed`.
 */
export interface Transport {
  /** Each write must hold whole frames. */
  readonly framed: boolean;

  /** False when the other side cannot be kept from sending. */
  readonly canPause: boolean;

  /** What its client speaks, for the metrics: `native`, `websocket`, `bridge`, or that of a session. */
  readonly protocol: string;

  /** Who is at the other end, for the log. */
  readonly peer: string;

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
