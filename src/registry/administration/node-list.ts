/** A list of nodes as those who look after it see it: in a registry, in several, or in etcd. */
import type { RequestOptions } from "../discovery/json-request.js";
import type { NodeInfo } from "../discovery/node-info.js";

/** A node to be listed. It joins when it is. */
export type NewNode = Omit<NodeInfo, "joinTime">;

/** A change is not made, with the reason for whoever asked for it. */
export class ListRefusal extends Error {
  override readonly name = "ListRefusal";
}

/**
 * All of it rejects with an UnreachableError when nobody answers, and with a ListRefusal, a RegistryRefusal or an EtcdRefusal when the
 * answer is no; with an UnauthorizedError when that is for the token.
 */
export interface NodeList {
  /** For people: `http://10.0.0.1:9595`. */
  readonly name: string;
  /** Where the nodes are. In etcd one that is added by hand stays until it is removed by hand. */
  readonly kind: "registry" | "etcd";
  list(options: RequestOptions): Promise<readonly NodeInfo[]>;
  /** The node has to answer. */
  add(node: NewNode, options: RequestOptions): Promise<void>;
  setWeight(tcpAddress: string, weight: number, options: RequestOptions): Promise<void>;
  /** One that runs and announces itself is listed again soon. */
  remove(tcpAddress: string, options: RequestOptions): Promise<void>;
}
