/** Who may stay on the HTTP port with a connection of its own: a WebSocket, or a request whose answer has no end. */
import { shareOf } from "../address-shares.js";
import type { ConnectionHost } from "../connection-host.js";

/** A client that was let in, until it leaves. */
export interface Admitted {
  leave(): void;
}

type Host = Pick<ConnectionHost, "isFull" | "shares" | "reserve" | "release">;

export class Admission {
  readonly #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  /**
   * Lets a WebSocket in; the text says why not.
   *
   * @param bytes set apart for a message of it that is half-received
   */
  webSocket(address: string, bytes: number): Admitted | string {
    const { isFull, shares } = this.#host;
    if (isFull) return "the broker has its maximum of connections";
    const share = shareOf(address);
    if (!shares.admit(share)) return tooMany(shares.maxPerAddress);
    if (!this.#host.reserve(bytes)) {
      shares.release(share);
      return "the broker has no room for another WebSocket: see --max-assembly-bytes";
    }
    return new Place(this.#host, share, bytes);
  }

  /** The same for a request that is being answered without an end; its socket is counted already. */
  stream(address: string): Admitted | string {
    const { shares } = this.#host;
    const share = shareOf(address);
    return shares.admit(share) ? new Place(this.#host, share, 0) : tooMany(shares.maxPerAddress);
  }
}

const tooMany = (most: number): string => `an address has at most ${most} connections`;

class Place implements Admitted {
  readonly #host: Host;
  readonly #share: string;
  readonly #bytes: number;
  #isIn = true;

  constructor(host: Host, share: string, bytes: number) {
    this.#host = host;
    this.#share = share;
    this.#bytes = bytes;
  }

  leave(): void {
    if (!this.#isIn) return;
    this.#isIn = false;
    this.#host.shares.release(this.#share);
    this.#host.release(this.#bytes);
  }
}
