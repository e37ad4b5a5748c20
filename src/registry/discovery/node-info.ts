/** A node as registries list it, and how entries of others are read: whatever is wrong with one, the rest counts. */
import { isNodeAddress } from "./node-address.js";

export interface NodeInfo {
  /** 1 to 1,024. */
  readonly id: number;
  /** `host:port`, for clients. */
  readonly tcpAddress: string;
  /** `host:port`. */
  readonly httpAddress: string;
  /** Its share among the nodes of a list; 0: none while there are others. */
  readonly weight: number;
  /** When it joined, in the local time of whoever noted it: `2006-01-02 15:04:05`. */
  readonly joinTime: string;
}

/** gmq's largest, and that of ringmq's own nodes. */
export const MAX_NODE_ID = 1024;

/** As a 32-bit `int` holds it. */
export const MAX_WEIGHT = 2 ** 31 - 1;

/** Nodes in a list: as many as there are ids. */
export const MAX_NODES = 1024;

const MAX_TIME_LENGTH = 64;

export const isNodeId = (value: number): boolean => Number.isInteger(value) && value >= 1 && value <= MAX_NODE_ID;
export const isWeight = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= MAX_WEIGHT;

/** A whole number in decimal digits; NaN: it is none. */
export const readInteger = (text: string): number => (/^\d{1,15}$/.test(text) ? Number(text) : Number.NaN);

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** gmq's registry writes numbers, its etcd entries strings. */
const integerOf = (value: unknown): number => (typeof value === "string" ? readInteger(value) : Number(value));

/**
 * An entry of a list: `{"tcp_addr","http_addr","weight","join_time"}` and an id. Undefined: no client could use it.
 */
export const readNode = (entry: unknown, idField: "id" | "node_id"): NodeInfo | undefined => {
  if (!isObject(entry)) return undefined;
  const { tcp_addr: tcpAddress, http_addr: httpAddress, weight: givenWeight, join_time: joinTime } = entry;
  const id = integerOf(entry[idField]);
  const weight = integerOf(givenWeight);
  if (!isNodeId(id) || !isWeight(weight)) return undefined;
  if (!isNodeAddress(tcpAddress) || !isNodeAddress(httpAddress)) return undefined;
  const isTime = typeof joinTime === "string" && joinTime.length <= MAX_TIME_LENGTH;
  return { id, tcpAddress, httpAddress, weight, joinTime: isTime ? joinTime : "" };
};

/** Reads the entries of a list. Of two with the same id the first counts. */
export const readNodes = (entries: readonly unknown[], idField: "id" | "node_id"): NodeInfo[] => {
  const nodes = new Map<number, NodeInfo>();
  for (const entry of entries) {
    const node = readNode(entry, idField);
    if (node !== undefined && !nodes.has(node.id) && nodes.size < MAX_NODES) nodes.set(node.id, node);
  }
  return [...nodes.values()];
};

/** A moment as registries write it. */
export const formatJoinTime = (at: Date): string => {
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = [String(at.getFullYear()), two(at.getMonth() + 1), two(at.getDate())];
  return `${day.join("-")} ${[at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(":")}`;
};
