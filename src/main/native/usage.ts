/** What clients of a broker take up. */

export interface Usage {
  /** All native connections, those of sessions and of the gRPC thread among them. */
  readonly connections: number;
  readonly sessions: number;
  /** Of the sessions, those of plain HTTP; some stay a while for the next request. */
  readonly httpSessions: number;
  readonly sockets: number;
  /** Addresses that connections are counted of. */
  readonly addresses: number;
  /** Bytes of what is half-received, of what waits for shards, and of what clients have not taken. */
  readonly assemblyBytes: number;
  readonly waitingBytes: number;
  readonly unsentBytes: number;
  /** Calls that are not over, bytes of those that wait for responders, and responders. */
  readonly calls: number;
  readonly callBytes: number;
  readonly responders: number;
}
