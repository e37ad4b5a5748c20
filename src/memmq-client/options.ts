/**
 * What a program can ask for of memmq's servers. Times are in milliseconds.
 */
import type { Overflow } from "../protocol/subscribe-options.js";
import type { Resolver } from "../servers/resolver.js";
import type { Selector, SelectorName } from "../servers/selector.js";

export interface ClientOptions {
  /**
   * Servers, or names that the resolver makes servers of: `localhost:8081`, `https://mq.example`, `http://10.0.0.1:8081`.
   * Without a scheme they speak TLS. Default `["localhost:8081"]`.
   */
  readonly servers?: readonly string[] | undefined;
  /**
   * Whom a topic is published to and subscribed on: `all` servers; `shard`, the one that memmq's clients pick; or
   * `rendezvous`, one of them too, of which few topics move when servers come and go. Default `all`.
   */
  readonly selector?: SelectorName | Selector | undefined;
  /** `ip`: names are addresses. `dns`: a server for each address of a name, looked up every 30 s. Default `ip`. */
  readonly resolver?: "ip" | "dns" | Resolver | undefined;
  /** How often a publish is tried again with each server. Default 1. Subscriptions are tried again for ever. */
  readonly retries?: number | undefined;
  /** HTTP and WebSocket, or gRPC. Default `http`. */
  readonly transport?: "http" | "grpc" | undefined;
  /** The certificates, in PEM, of authorities to trust in place of the usual ones. */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[] | undefined;
  /** Take any certificate: whoever is in between can then read and change everything. Default false. */
  readonly insecure?: boolean | undefined;
  /**
   * Shown to ringmq's servers that ask who their clients are: text of 1 to 1,024 characters without spaces. Over `http://` it can be
   * read on its way. Default: none.
   */
  readonly token?: string | undefined;
  /** For a connection to stand. Default 5,000. */
  readonly connectTimeout?: number | undefined;
  /** For the answer to a publish, from when it was sent or the one before it was answered. Default 30,000. */
  readonly answerTimeout?: number | undefined;
  /** Bytes of publishes that are on their way; beyond it they are refused with CLIENT_BUSY. Default 64 MiB. */
  readonly maxPendingBytes?: number | undefined;
  /** The longest message that is taken of a server. Default 16 MiB. */
  readonly maxMessageBytes?: number | undefined;
  /** Told of servers that come and go. */
  readonly onStatus?: ((status: ServerStatus) => void) | undefined;
}

export interface PublishOptions {
  /** Of the messages of one key, slow subscribers with the policy `conflate` get the last one. ringmq's servers only. */
  readonly key?: string | undefined;
}

/** What becomes of a subscriber that does not keep up: docs/protocol.md, SUBSCRIBE. */
export type { Overflow } from "../protocol/subscribe-options.js";

/** memmq's own servers know none of these: there a subscription begins with the next message. */
export interface SubscribeOptions {
  /** The first message: the next one, the oldest there is, or the first published at that time or later. Default `now`. */
  readonly from?: "now" | "start" | Date | undefined;
  /**
   * Whether servers are asked to remember the last messages of the topic, so that a lost connection loses none of them.
   * Default true.
   */
  readonly recover?: boolean | undefined;
  /** Default `drop-oldest`. */
  readonly overflow?: Overflow | undefined;
}

/** What has happened to a server. */
export type ServerStatus =
  | { readonly type: "subscribed"; readonly server: string; readonly topic: string }
  /** A subscription has no connection; it is tried again. */
  | { readonly type: "lost"; readonly server: string; readonly topic: string; readonly error: Error }
  /** The list of servers is another one. */
  | { readonly type: "listed"; readonly servers: readonly string[] }
  /** A name cannot be looked up: its last servers stay in use. */
  | { readonly type: "list-failed"; readonly name: string; readonly error: Error };
