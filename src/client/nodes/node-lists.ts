/**
 * Reads the list of nodes from where the program says, as addresses that a client can connect to.
 */
import { listAnnounced, listRegistered, type NodeInfo } from "../../registry/discovery/index.js";
import { parseNodeAddress } from "../../registry/discovery/node-address.js";
import type { Resolver } from "../../servers/resolver.js";
import { reasonOf } from "../arguments/argument-checks.js";
import { localError } from "../base/error.js";
import { type Tokens, takeToken } from "../connection/address.js";
import type { NamedNodes, NodeScheme, NodesSource } from "./options.js";

/** A node of a list. */
export interface ListedNode {
  /** Undefined when the list does not tell. */
  readonly id: number | undefined;
  readonly url: string;
  readonly weight: number;
}

/** Reads the list anew each time. Rejects when it cannot be read. */
export type ReadNodes = (signal: AbortSignal) => Promise<readonly ListedNode[]>;

type List = (signal: AbortSignal) => Promise<readonly NodeInfo[]>;

/** The nodes of a source that the program has named. Tokens of addresses are put aside in `tokens`. */
export const nodesFrom = (source: NodesSource, scheme: NodeScheme, tokens: Tokens): ReadNodes => {
  if ("nodes" in source) {
    const list = source.nodes.map(({ url, weight = 1 }) => ({ id: undefined, url: takeToken(url, tokens), weight }));
    return () => Promise.resolve(list);
  }
  if ("names" in source) return resolving(source);
  if ("etcd" in source) return listing("etcd", (signal) => listAnnounced(source.etcd, { signal }), scheme);
  const { registry, token } = source;
  return listing("the registry", (signal) => listRegistered(registry, { signal, token }), scheme);
};

/** All addresses of all names. A name that cannot be looked up now makes the list one that cannot be read. */
const resolving =
  ({ names, resolver }: NamedNodes): ReadNodes =>
  async (signal) =>
    (await Promise.all(names.map((name) => addressesOf(name, resolver, signal)))).flat();

const addressesOf = async (name: string, resolver: Resolver, signal: AbortSignal): Promise<readonly ListedNode[]> => {
  const named = new URL(name);
  try {
    const servers = await resolver.resolve(`http://${named.host}`, signal);
    return servers.map(({ url }) => {
      // By its parts: a URL leaves out what is the port of its own scheme.
      const { hostname } = new URL(url);
      const port = named.port === "" ? "" : `:${named.port}`;
      return { id: undefined, weight: 1, url: `${named.protocol}//${hostname}${port}${named.pathname}` };
    });
  } catch (error) {
    throw localError("CONNECT_FAILED", `${named.host} cannot be looked up: ${reasonOf(error)}`, error);
  }
};

const listing =
  (what: string, list: List, scheme: NodeScheme): ReadNodes =>
  async (signal) => {
    try {
      return (await list(signal)).map((node) => ({ id: node.id, weight: node.weight, url: urlOf(node, scheme) }));
    } catch (error) {
      // An address that is none.
      if (error instanceof RangeError) throw localError("BAD_ARGUMENT", error.message, error);
      throw localError("CONNECT_FAILED", `${what} cannot be asked for its nodes: ${reasonOf(error)}`, error);
    }
  };

const urlOf = ({ tcpAddress, httpAddress }: NodeInfo, scheme: NodeScheme): string => {
  const isTcp = scheme === "tcp" || scheme === "tls";
  const address = isTcp ? tcpAddress : httpAddress;
  // An address may lack its host, which means this machine, and have a scheme of its own.
  const { host, port } = parseNodeAddress(address) ?? { host: address, port: 0 };
  return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}${isTcp ? "" : "/mq"}`;
};
