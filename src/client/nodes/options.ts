/**
 * What a program can ask for when it connects to several nodes. Times are in milliseconds.
 */

import type { Resolver } from "../../servers/resolver.js";
import type { Selector, SelectorName } from "../../servers/selector.js";
import type { ConnectionOptions, Resumption } from "../arguments/options.js";
import type { RingmqError } from "../base/error.js";
import type { ChannelReceipt } from "../publish/receipt.js";
import type { PickBy } from "./picker.js";

export type { Resolver } from "../../servers/resolver.js";
export type { Selector, SelectorName } from "../../servers/selector.js";

/** A node that the program knows. */
export interface KnownNode {
  /** As `connect` takes it, with a token where it has one of its own. */
  readonly url: string;
  /** Its share of what is published, beside those of the others. Default 1; 0: none while others have any. */
  readonly weight?: number | undefined;
}

/** Nodes that names stand for, such as `tcp://nodes.example:9503`, whose addresses are looked up with the list. */
export interface NamedNodes {
  readonly names: readonly string[];
  /** `dnsResolver()` of `ringmq/memmq`: every address of a name is a node. With TLS, `tls` says the name of its certificate. */
  readonly resolver: Resolver;
}

/**
 * Where to find nodes: a registry (gregister) and the token that it is shown, the endpoints of etcd, a list of them, or names that
 * are looked up.
 */
export type NodesSource =
  | { readonly registry: string; readonly token?: string | undefined }
  | { readonly etcd: readonly string[] }
  | { readonly nodes: readonly KnownNode[] }
  | NamedNodes;

/** How addresses from a registry or etcd are reached: the native port, or WebSocket on the HTTP port. */
export type NodeScheme = "tcp" | "tls" | "ws" | "wss";

/**
 * What is about a connection counts for that to each node, except that `maxPendingBytes` bounds all of them together
 * and `signal` gives up the first connecting.
 */
export interface ConnectNodesOptions extends ConnectionOptions {
  /** How the node of each publish is picked: by weight, at random, or in turn. Default `weight`. */
  readonly pick?: PickBy | undefined;
  /**
   * Which nodes a channel is on: what is published to it goes to all of these, and subscribers hear all of them. Default
   * `all`. With `rendezvous` it is one, and few channels move when a node is added; with `shard` it is the one that memmq's
   * clients choose. All programs that share a channel select alike, from the same list of nodes.
   */
  readonly select?: SelectorName | Selector | undefined;
  /** How to reach the nodes that a registry or etcd lists. Default `tcp`; a browser needs `ws` or `wss`. */
  readonly scheme?: NodeScheme | undefined;
  /** How often the list of nodes is read again. It is also read when a node is lost. At least 100, default 10,000. */
  readonly refreshInterval?: number | undefined;
  /** How often each node is pinged. One that has not answered by the next time is lost. At least 100, default 10,000. */
  readonly pingInterval?: number | undefined;
  /** How long a publish that failed is tried again, on any node, from its first failure on. Default 30,000. */
  readonly retryTimeout?: number | undefined;
}

/**
 * What a node is to the client. `connected`: it is used. `draining`: it said that it is about to stop. `lost`: it cannot
 * be reached, and is tried again.
 */
export type NodeConnectionState = "connecting" | "connected" | "draining" | "lost";

/** What has happened to the nodes of a client. */
export type NodesEvent =
  | { readonly type: "connected"; readonly node: NodeState }
  /** It is about to stop: nothing more is published to it. */
  | { readonly type: "draining"; readonly node: NodeState }
  /** It could not be connected to, or its connection has ended. */
  | { readonly type: "lost"; readonly node: NodeState; readonly error: Error }
  /** The list of nodes has changed. */
  | { readonly type: "listed"; readonly nodes: readonly NodeState[] }
  /** A subscription has gone on at a node that was lost, or whose shard was restarted. */
  | {
      readonly type: "resumed";
      readonly node: NodeState;
      readonly channel: string;
      readonly resumption: Resumption;
    }
  /** The list could not be read: the last one stays in use. */
  | { readonly type: "list-failed"; readonly error: Error };

/** What one of several nodes tells. */
export type OfNode<T> = T & {
  /** The `url` of the node. */
  readonly node: string;
};

/** What became of a message on a channel of several nodes. */
export interface NodesChannelReceipt {
  /** Who was subscribed at that moment, at all nodes together. */
  readonly subscribers: number;
  /** The nodes that have taken it, with what each told. */
  readonly taken: readonly { readonly url: string; readonly receipt: ChannelReceipt }[];
  /** The nodes that the channel is on and that have not taken it, each with why. */
  readonly failed: readonly { readonly url: string; readonly error: RingmqError }[];
}

/** A node, as the client sees it now. */
export interface NodeState {
  /** The id that the registry tells; the broker's own once it was connected; undefined until then. */
  readonly id: number | undefined;
  readonly url: string;
  readonly weight: number;
  readonly state: NodeConnectionState;
  /** It is in the last list that was read. One that is not is used as long as its connection lasts. */
  readonly isListed: boolean;
  /** Why it is lost. */
  readonly error: Error | undefined;
}
