/** The addresses that this machine has in its networks. */
import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";

/**
 * Those of the loopback are not among them. None where the process may not ask, as in a service of systemd whose
 * `RestrictAddressFamilies` is without `AF_NETLINK`: nothing that a broker does needs them.
 */
export const machineAddresses = (read = networkInterfaces): NetworkInterfaceInfo[] => {
  try {
    return Object.values(read())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ internal }) => !internal);
  } catch {
    return [];
  }
};
