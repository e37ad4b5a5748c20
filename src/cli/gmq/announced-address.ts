/** The addresses under which a node can be reached by others, which are not always those that it listens on. */
import type { Address } from "../../main/options.js";
import { machineAddresses } from "../../main/ports/machine-addresses.js";

const LOOPBACK = "127.0.0.1";

const isAny = (host: string): boolean => host === "" || host === "::" || host === "0.0.0.0";

/** An address of this machine in its network, IPv4 first; where it is in none, its own. */
export const hostAddress = (addresses = machineAddresses()): string => {
  const outside = addresses.filter(({ address }) => !address.startsWith("fe80:"));
  const found = outside.find(({ family }) => family === "IPv4") ?? outside[0];
  return found?.address ?? LOOPBACK;
};

/**
 * `said` is what the operator says, by the name that he uses: `bound`, what is listened on, may be an address that the name
 * has today only. All interfaces are announced as `host`.
 */
export const announcedAddress = (said: Address, bound: Address, host: string): Address => {
  const { host: named, port } = said;
  return { host: isAny(named) ? host : named, port: port === 0 ? bound.port : port };
};
