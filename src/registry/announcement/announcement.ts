/** Announces a node in registries and in etcd for as long as it runs. */
import { type Log, SILENT } from "../../main/log.js";
import { parseNodeAddress } from "../discovery/node-address.js";
import { formatJoinTime, isNodeId, isWeight, MAX_NODE_ID, MAX_WEIGHT, type NodeInfo } from "../discovery/node-info.js";
import { EtcdListing } from "./etcd-listing.js";
import { GregisterListing } from "./gregister-listing.js";
import { Presence, type PresenceTimes } from "./presence.js";

/** Times in milliseconds. */
export interface AnnouncementOptions extends Partial<PresenceTimes> {
  /** Registries, each of which is to list the node: `host:port` or `http(s)://host:port`. */
  readonly registries: readonly string[];
  /** What is shown to registries. Default: nothing. */
  readonly token?: string | undefined;
  /** Endpoints of one etcd cluster, tried in turn. */
  readonly etcd: readonly string[];
  /** How long the entry in etcd outlives a node that dies. Default 30 seconds, as in gmq. */
  readonly leaseSeconds?: number;
  /** How long `close` may take. Default 2,000. */
  readonly closeTimeout?: number;
  /** Default: silent. */
  readonly log?: Log;
}

export interface Announcement {
  /** Takes the node off every list, as far as that can be done in time. Never throws. */
  close(): Promise<void>;
}

const DEFAULTS = {
  // A registry that was restarted without its memory has the node again within seconds.
  checkInterval: 3000,
  retryInterval: 250,
  // A registry drops a former life of the node after some 6 s.
  refusalInterval: 3000,
  // More than a registry takes that has to find out that the node's ports do not answer.
  requestTimeout: 6000,
  leaseSeconds: 30,
  closeTimeout: 2000,
} as const;

/**
 * Begins to announce a node whose ports are open. It goes on trying while a registry is away, and never throws because
 * of that.
 *
 * @throws RangeError when an address, the id or the weight is none.
 */
export const announce = (node: Omit<NodeInfo, "joinTime">, options: AnnouncementOptions): Announcement => {
  check(node);
  const { registries, etcd, token, log = SILENT, ...given } = options;
  const times = { ...DEFAULTS, ...given };
  const { leaseSeconds, closeTimeout, requestTimeout } = times;
  const entry = { ...node, joinTime: formatJoinTime(new Date()) };
  // Made before the first of them does anything: the address of the last may be wrong.
  const listings = [...new Set(registries)].map(
    (each) => new GregisterListing(each, entry, { timeout: requestTimeout, token }),
  );
  const cluster = etcd.length === 0 ? [] : [new EtcdListing(etcd, entry, leaseSeconds, requestTimeout)];
  const presences = [...listings, ...cluster].map((listing) => new Presence(listing, times, log));
  let closed: Promise<unknown> | undefined;
  return {
    close: async () => {
      closed ??= Promise.all(presences.map((presence) => presence.close(closeTimeout)));
      await closed;
    },
  };
};

const check = ({ id, weight, tcpAddress, httpAddress }: Omit<NodeInfo, "joinTime">): void => {
  if (!isNodeId(id)) throw new RangeError(`the id of a node is from 1 to ${MAX_NODE_ID}; it is ${id}`);
  if (!isWeight(weight)) throw new RangeError(`the weight of a node is from 0 to ${MAX_WEIGHT}; it is ${weight}`);
  for (const address of [tcpAddress, httpAddress]) {
    if (parseNodeAddress(address) !== undefined) continue;
    throw new RangeError(`a node announces addresses as in 10.0.0.1:9503; one is ${address}`);
  }
};
