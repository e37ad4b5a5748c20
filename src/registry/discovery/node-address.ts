/** The addresses that nodes announce, and those of registries: `host:port`, some with a scheme before it. */

const MAX_ADDRESS_LENGTH = 256;

/** No path, no user, no query: an address names a port and nothing behind it. An empty host is this machine, as in Go. */
const ADDRESS = /^(?:([a-z]{2,8}):\/\/)?((?:[a-z\d_](?:[a-z\d._-]*[a-z\d_.])?)?|\[[\da-f:.]+\]):(\d{1,5})$/i;

export interface NodeAddress {
  /** In lower case; undefined: the address has none. */
  readonly scheme: string | undefined;
  /** An IPv6 address without its brackets. */
  readonly host: string;
  readonly port: number;
}

/** Undefined: it is no address. An empty host becomes 127.0.0.1. */
export const parseNodeAddress = (address: string): NodeAddress | undefined => {
  if (address.length > MAX_ADDRESS_LENGTH) return undefined;
  const [, scheme, host, digits] = ADDRESS.exec(address) ?? [];
  const port = Number(digits);
  if (host === undefined || port < 1 || port > 65_535) return undefined;
  // Such as 1.2.3.4.5 and [:::], which have the form of hosts and are none.
  if (host !== "" && !URL.canParse(`http://${host}:${port}`)) return undefined;
  const name = host.startsWith("[") ? host.slice(1, -1) : host;
  return { scheme: scheme?.toLowerCase(), host: name === "" ? "127.0.0.1" : name, port };
};

export const isNodeAddress = (value: unknown): value is string =>
  typeof value === "string" && parseNodeAddress(value) !== undefined;

/**
 * Where a registry or an etcd is asked: `host:port` or `http(s)://host:port`, a slash at the end or not.
 *
 * @throws RangeError when it is neither.
 */
export const serviceUrl = (address: string): string => {
  const parsed = parseNodeAddress(address.trim().replace(/\/+$/, ""));
  const scheme = parsed?.scheme ?? "http";
  if (parsed === undefined || (scheme !== "http" && scheme !== "https")) {
    throw new RangeError(`an address must be as in 127.0.0.1:9595 or http://127.0.0.1:9595; it is ${address}`);
  }
  const host = parsed.host.includes(":") ? `[${parsed.host}]` : parsed.host;
  return `${scheme}://${host}:${parsed.port}`;
};
