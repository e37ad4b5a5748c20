/**
 * The resolver for names with several addresses, each of which is a server. For Node: browsers cannot look up names.
 */
import { lookup, Resolver as NameServers } from "node:dns/promises";
import type { Resolver } from "./resolver.js";
import { parseServer, plainHost, type Server, serverOf } from "./server.js";

export interface DnsOptions {
  /** Milliseconds between lookups. Default 30,000. */
  readonly refreshInterval?: number | undefined;
  /**
   * Name servers to ask, as `10.0.0.2` or `10.0.0.2:53`. By default the system is asked as every other program asks it:
   * its hosts file, its search domains and its name servers.
   */
  readonly nameServers?: readonly string[] | undefined;
}

const REFRESH_INTERVAL = 30_000;

/** memmq's port, for a name that says neither scheme nor port. */
const DEFAULT_PORT = "8081";

/** Asked of the name, because a URL leaves out the port of its scheme. */
const ENDS_WITH_PORT = /:\d+(?:\/|$)/;

type Lookup = (host: string, signal: AbortSignal) => Promise<readonly string[]>;

/** A and AAAA records. */
export const dnsResolver = ({ refreshInterval = REFRESH_INTERVAL, nameServers }: DnsOptions = {}): Resolver => {
  const addressesOf = nameServers === undefined ? askSystem : asker(nameServers);
  return {
    refreshInterval,
    resolve: async (name, signal) => {
      const url = parseServer(name);
      if (!name.includes("://") && !ENDS_WITH_PORT.test(name)) url.port = DEFAULT_PORT;
      const host = plainHost(url);
      return (await addressesOf(host, signal)).map((address) => at(url, address, host));
    },
  };
};

const at = (url: URL, address: string, host: string): Server => {
  const copy = new URL(url);
  copy.hostname = address.includes(":") ? `[${address}]` : address;
  return serverOf(copy, host);
};

/** An order of its own: a server of names may return its records in another order each time, and `shard` goes by it. */
const sorted = (addresses: readonly string[]): readonly string[] => [...new Set(addresses)].sort();

const askSystem: Lookup = async (host) => sorted((await lookup(host, { all: true })).map(({ address }) => address));

const asker =
  (nameServers: readonly string[]): Lookup =>
  async (host, signal) => {
    const resolver = new NameServers({ timeout: 2_000, tries: 2 });
    resolver.setServers(nameServers);
    const cancel = (): void => resolver.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    try {
      const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
      const found = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
      if (found.length > 0) return sorted(found);
      // A name may have addresses of one kind alone: what was wrong with the other kind is then beside the point.
      const [failed] = answers.filter((answer) => answer.status === "rejected");
      throw failed?.reason ?? new Error(`${host} has no address`);
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  };
