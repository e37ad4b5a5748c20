/** The bounds on what a proxy lets in. */

import type { Log } from "../main/log.js";
import { AddressShares } from "../main/ports/address-shares.js";
import type { SocketHost } from "../main/ports/connection-host.js";

/** Those of a broker by default: docs/protocol.md, Limits. */
const MAX_CONNECTIONS = 10_000;
const MAX_PER_ADDRESS = 6_000;
const MAX_EXCESS = 100;

/** Memory for messages that are half-received. Bytes. */
const MAX_ASSEMBLY = 256 * 1024 * 1024;

export class ProxyHost implements SocketHost {
  readonly shares = new AddressShares(MAX_PER_ADDRESS);
  readonly #log: Log;
  readonly #sockets: () => number;
  #reserved = 0;

  /** @param sockets how many there are */
  constructor(log: Log, sockets: () => number) {
    this.#log = log;
    this.#sockets = sockets;
  }

  get isFull(): boolean {
    return this.#sockets() >= MAX_CONNECTIONS;
  }

  get isScarce(): boolean {
    return this.#sockets() > MAX_CONNECTIONS / 2;
  }

  get isOverLimit(): boolean {
    return this.isCrowded;
  }

  get isCrowded(): boolean {
    return this.#sockets() > MAX_CONNECTIONS + MAX_EXCESS;
  }

  reserve(bytes: number): boolean {
    if (this.#reserved + bytes > MAX_ASSEMBLY) return false;
    this.#reserved += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#reserved -= bytes;
  }

  acceptFailed(error: Error): void {
    this.#log.error({ error }, "a connection could not be accepted");
  }
}
