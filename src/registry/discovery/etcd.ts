/** Nodes that announce themselves in etcd: JSON under `/gmq/node-<id>`, kept there by a lease. */
import { EtcdGateway, fromBase64, toBase64 } from "./etcd-gateway.js";
import type { RequestOptions } from "./json-request.js";
import { isObject, MAX_NODES, type NodeInfo, readNodes } from "./node-info.js";

export const NODE_PREFIX = "/gmq/node";

/** The first key behind all that begin with the prefix. */
const PREFIX_END = "/gmq/nodf";

export const nodeKey = (id: number): string => `${NODE_PREFIX}-${id}`;

/**
 * The nodes in etcd, ordered by key. Endpoints are those of one cluster and are tried in turn. Entries that no client
 * could use are left out.
 *
 * @throws UnreachableError when no endpoint answers.
 * @throws EtcdRefusal when etcd refuses the request.
 * @throws RangeError when an endpoint is no address, or there is none.
 */
export const listAnnounced = async (
  endpoints: readonly string[],
  options: RequestOptions = {},
): Promise<NodeInfo[]> => {
  const range = { key: toBase64(NODE_PREFIX), range_end: toBase64(PREFIX_END), limit: String(MAX_NODES) };
  const { kvs } = await new EtcdGateway(endpoints).call("/v3/kv/range", range, options);
  if (!Array.isArray(kvs)) return [];
  return readNodes(
    kvs.map((entry: unknown) => (isObject(entry) ? readEntry(entry["value"]) : undefined)),
    "node_id",
  );
};

/** The value under a node's key: JSON whose values are all strings, as gmq has it. */
export const entryOf = ({ id, tcpAddress, httpAddress, weight, joinTime }: NodeInfo): string =>
  JSON.stringify({
    tcp_addr: tcpAddress,
    http_addr: httpAddress,
    weight: String(weight),
    node_id: String(id),
    join_time: joinTime,
  });

/** The object in a value as etcd has it; undefined: there is none. */
export const readEntry = (value: unknown): unknown => {
  if (typeof value !== "string") return undefined;
  try {
    return JSON.parse(fromBase64(value));
  } catch {
    return undefined;
  }
};
