/**
 * An HTTP port for `/metrics`, `/healthz` and `/readyz` alone, apart from those of clients: open before the journal is read,
 * until the end, and when there are as many connections as there may be.
 */
import type { Access } from "../access/access.js";
import type { Log } from "../log.js";
import type { Address } from "../options.js";
import { AddressShares } from "../ports/address-shares.js";
import type { SocketHost } from "../ports/connection-host.js";
import type { HttpEngineFactory } from "../ports/http/engine.js";
import type { HttpEntrance } from "../ports/http/entrance.js";
import { HttpGuard } from "../ports/http/guard.js";
import { HttpListener } from "../ports/http/listener.js";

/** Sockets of scrapers and probes, which are few. */
const MAX_SOCKETS = 64;

export interface MetricsPortOptions {
  readonly address: Address;
  readonly allowOrigin: readonly string[];
  readonly allowHost: readonly string[];
  readonly access: Access;
  readonly log: Log;
}

export class MetricsPort {
  readonly #address: Address;
  readonly #listener: HttpListener;

  constructor({ address, allowOrigin, allowHost, access, log }: MetricsPortOptions, makeEngine: HttpEngineFactory) {
    this.#address = address;
    const isFull = (): boolean => this.#listener.sockets > MAX_SOCKETS;
    const host: SocketHost = {
      get isFull() {
        return isFull();
      },
      get isScarce() {
        return isFull();
      },
      get isOverLimit() {
        return isFull();
      },
      get isCrowded() {
        return isFull();
      },
      shares: new AddressShares(MAX_SOCKETS),
      reserve: () => false,
      release: () => {},
      acceptFailed: (error) => log.warn({ error }, "a connection for metrics could not be accepted"),
    };
    const guard = new HttpGuard({ listensOn: address.host, allowOrigin, allowHost });
    this.#listener = new HttpListener(
      host,
      guard,
      log,
      (engineHost) => makeEngine(engineHost),
      (text) => JSON.stringify(text),
      access,
    );
  }

  get entrance(): HttpEntrance {
    return this.#listener.entrance;
  }

  /** @throws ListenError when the address cannot be had. */
  listen(): Promise<Address> {
    return this.#listener.listen(this.#address);
  }

  close(): void {
    this.#listener.close();
  }
}
