/** What a session is opened with, and what its requests may say. */
import type { Credential } from "../access/user.js";
import type { Log } from "../log.js";
import type { NativeConnection } from "./connection.js";
import type { SessionSide } from "./connection-kind.js";
import type { SessionClient } from "./session-client.js";
import type { Transport } from "./transport.js";

/** Who a session is for. */
export interface Identity {
  /** The name of the front end. */
  readonly protocol: string;
  /** The client's address, with its port where it has a socket to itself. */
  readonly address: string;
  /** What it has shown; undefined: nobody is asked. */
  readonly credential: Credential | undefined;
}

export interface SessionOptions {
  readonly identity: Identity;
  readonly client: SessionClient;
  /** Answers come in the order of requests. */
  readonly inOrder: boolean;
  readonly maxInFlight: number;
  readonly maxFrameBytes: number;
  readonly log: Log;
  /** Milliseconds of a clock that does not step. */
  readonly now: number;
}

/** Opens the connection that a session is carried by. */
export type OpenConnection = (transport: Transport, side: SessionSide) => NativeConnection;

export interface PublishOptions {
  readonly routeKey?: string;
  /** Milliseconds; default 0. */
  readonly delay?: number;
}

export interface PopOptions {
  /** Messages; default 1. */
  readonly max?: number;
  /** Milliseconds to wait for the first; default 0. */
  readonly wait?: number;
  /** The answer comes when it comes, and what is behind goes on: the front end holds, and keeps the order, itself. */
  readonly isApart?: boolean;
}

/** A message that somebody holds, as `answer-reading.ts` reads it. */
export interface Lease {
  readonly idHigh: number;
  readonly idLow: number;
  /** The number of its delivery. */
  readonly delivery: number;
}
