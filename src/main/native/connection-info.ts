/** What the broker tells of its connections: the RESULT of CONNECTIONS, see docs/protocol.md. */
import type { ErrorName } from "../../protocol/errors.js";

/** One of them. */
export interface ConnectionInfo {
  readonly id: number;
  /** As of its `Transport`. */
  readonly protocol: string;
  readonly address: string;
  /** Who it has shown to be; empty: nobody. */
  readonly user: string;
  /** What its client calls itself; empty: it has not said. */
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly since: number;
  /** Requests that are not answered. */
  readonly unanswered: number;
  /** Consumers and responders. */
  readonly consumers: number;
  readonly subscriptions: number;
  /** Bytes that its client has not taken. */
  readonly unsentBytes: number;
  /** Bytes of requests that wait for shards. */
  readonly waitingBytes: number;
  /** Its client takes too little: deliveries to it wait. */
  readonly held: boolean;
  /** Bytes of frames so far, and a second. */
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly receivedRate: number;
  readonly sentRate: number;
}

/** Some connections in the order of their ids, and whether there are more behind them. */
export interface ConnectionPage {
  readonly connections: readonly ConnectionInfo[];
  readonly more: boolean;
}

/** The connections of a broker, as those see them who ask about all. */
export interface ConnectionDirectory {
  /** Up to `max` of those with an id above `after`. */
  page(after: number, max: number): ConnectionPage;
  /** One that is open. */
  find(id: number): { fail(kind: ErrorName, text: string, request: number): void } | undefined;
}
