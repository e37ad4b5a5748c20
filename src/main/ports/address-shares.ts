/**
 * How many connections each address has, so that none can have all of them. A client with IPv6 usually owns a network of
 * 64 bits, which counts as one address.
 */

/** What an address counts as: `192.0.2.1`, also when it is written as `::ffff:192.0.2.1`; `2001:db8:0:0`, a /64. */
export const shareOf = (address: string): string => {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("%", 1)[0]?.split("::") ?? [];
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const rest = tail === "" ? [] : tail.split(":");
    while (groups.length + rest.length < 8) groups.push("0");
    groups.push(...rest);
  }
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":");
};

export class AddressShares {
  readonly #connections = new Map<string, number>();

  /** An address that has more than it may keeps those that it has. */
  constructor(public maxPerAddress: number) {}

  /** Addresses that have connections. */
  get size(): number {
    return this.#connections.size;
  }

  /** Counts a connection of a `shareOf` an address; false: it has as many as it may. */
  admit(share: string): boolean {
    const connections = this.#connections.get(share) ?? 0;
    if (connections >= this.maxPerAddress) return false;
    this.#connections.set(share, connections + 1);
    return true;
  }

  /** A connection that was admitted is gone. */
  release(share: string): void {
    const connections = (this.#connections.get(share) ?? 0) - 1;
    if (connections > 0) this.#connections.set(share, connections);
    else this.#connections.delete(share);
  }
}
