/** Announces a node that listens, and says under which addresses. */
import type { Log } from "../../main/log.js";
import type { Address } from "../../main/options.js";
import { formatAddress } from "../../main/ports/listening.js";
import { type Announcement, announce } from "../../registry/announcement/index.js";
import { announcedAddress, hostAddress } from "./announced-address.js";
import type { GnodeSettings } from "./gnode-settings.js";

/**
 * How long a node that stops may take to get off the lists, in milliseconds: little of the ten seconds after which service
 * managers commonly kill, of which the broker takes eight.
 */
const CLOSE_TIME = 1_000;

/** Undefined: nobody is told of the node. */
export const announceNode = (
  { id, weight, registries, registryToken: token, etcd, reportTcp, reportHttp }: GnodeSettings,
  tcp: Address,
  http: Address,
  log: Log,
): Announcement | undefined => {
  if (registries.length === 0 && etcd.length === 0) return undefined;
  const host = hostAddress();
  const tcpAddress = formatAddress(announcedAddress(reportTcp, tcp, host));
  const httpAddress = formatAddress(announcedAddress(reportHttp, http, host));
  const where = { ...(registries.length > 0 ? { registries } : {}), ...(etcd.length > 0 ? { etcd } : {}) };
  log.info({ id, weight, tcp: tcpAddress, http: httpAddress, ...where }, "the node is announced under these addresses");
  return announce({ id, weight, tcpAddress, httpAddress }, { registries, token, etcd, log, closeTimeout: CLOSE_TIME });
};
