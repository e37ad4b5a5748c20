/**
 * What the client needs of a transport: HTTP and WebSocket, or gRPC, behind one interface.
 */
import type { RingmqError } from "../client/base/error.js";
import type { Overflow } from "./options.js";
import type { Trail } from "./trail.js";

export interface Outgoing {
  readonly topic: string;
  readonly key: string | undefined;
  readonly payload: Uint8Array;
}

export interface CarrierEvents {
  /** The oldest publish without an answer was taken, or refused. */
  answered(refusal: RingmqError | undefined): void;
  /**
   * The carrier is of no use any more. What has no answer may have been taken or not. Nothing is called afterwards.
   * `wasUseful`: it has answered before.
   */
  lost(error: RingmqError, wasUseful: boolean): void;
}

/** Takes publishes to a server in order, over one connection. */
export interface Carrier {
  send(publish: Outgoing): void;
  /** Without a call of `lost`. */
  close(): void;
}

/** Where a subscription begins: as docs/protocol.md says of SUBSCRIBE. */
export interface FeedRequest {
  readonly topic: string;
  readonly from: "now" | "start" | number;
  readonly recover: boolean;
  readonly overflow: Overflow | undefined;
  /** To go on after a lost connection. */
  readonly resume: { readonly epoch: string; readonly position: number } | undefined;
}

/** What a server has said of a subscription. Undefined: it does not say, as memmq's own servers do not. */
export interface FeedStart {
  readonly epoch: string | undefined;
  readonly position: number | undefined;
  readonly recovered: boolean | undefined;
  readonly lost: number | undefined;
}

export interface Incoming {
  /** Its bytes are the receiver's. */
  readonly payload: Uint8Array;
  readonly position: number | undefined;
  readonly id: string | undefined;
}

export interface FeedEvents {
  begun(start: FeedStart): void;
  message(message: Incoming): void;
  /** So many do not come, before the next one. */
  lost(count: number): void;
  /** It is over, or could not begin. Nothing is called afterwards. */
  ended(error: RingmqError): void;
}

/** The messages of a topic on one server. */
export interface Feed {
  /** Reads no more of the connection; a few messages that are here may still come. */
  pause(): void;
  resume(): void;
  /** Nothing is called afterwards. */
  close(): void;
}

/** A server, and how it is spoken to. Connections are made when they are needed. */
export interface Link {
  /** Publishes of topics with the same lane keep their order. A small number: each lane has a carrier. */
  laneOf(topic: string): number;
  /** How much may be unanswered in a lane. A single publish always may. */
  readonly window: { readonly publishes: number; readonly bytes: number };
  carrier(events: CarrierEvents): Carrier;
  /** Events come later, never during the call. */
  feed(request: FeedRequest, events: FeedEvents): Feed;
  close(): void;
}

/** How links reach their servers. */
export interface LinkOptions {
  readonly ca: readonly string[] | undefined;
  readonly insecure: boolean;
  readonly token: string | undefined;
  readonly connectTimeout: number;
  readonly answerTimeout: number;
  readonly maxMessageBytes: number;
  readonly trail: Trail;
}
