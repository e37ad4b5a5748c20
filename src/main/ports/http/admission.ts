/** Who may stay on the HTTP port with a connection of its own: a WebSocket, or a request whose answer has no end. */
import type { User } from "../../access/user.js";
import { shareOf } from "../address-shares.js";
import type { ConnectionHost } from "../connection-host.js";
import type { Caller } from "./caller.js";

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
  webSocket(caller: Caller, bytes: number): Admitted | string {
    if (this.#host.isFull) return "the broker has its maximum of connections";
    return this.#admit(caller, bytes);
  }

  /** The same for a request that is being answered without an end; its socket is counted already. */
  stream(caller: Caller): Admitted | string {
    return this.#admit(caller, 0);
  }

  #admit({ address, credential }: Caller, bytes: number): Admitted | string {
    const { shares } = this.#host;
    const share = shareOf(address);
    if (!shares.admit(share)) return tooMany(shares.maxPerAddress);
    const user = credential?.user;
    if (user?.enter() === false) {
      shares.release(share);
      return "the user has as many connections as it may";
    }
    const place = new Place(this.#host, share, user);
    if (place.reserve(bytes)) return place;
    place.leave();
    return "the broker has no room for another WebSocket: see --max-assembly-bytes";
  }
}

const tooMany = (most: number): string => `an address has at most ${most} connections`;

class Place implements Admitted {
  readonly #host: Host;
  readonly #share: string;
  readonly #user: User | undefined;
  #bytes = 0;
  #isIn = true;

  constructor(host: Host, share: string, user: User | undefined) {
    this.#host = host;
    this.#share = share;
    this.#user = user;
  }

  /** False: there are too few. */
  reserve(bytes: number): boolean {
    if (bytes > 0 && !this.#host.reserve(bytes)) return false;
    this.#bytes = bytes;
    return true;
  }

  leave(): void {
    if (!this.#isIn) return;
    this.#isIn = false;
    this.#host.shares.release(this.#share);
    this.#user?.leave();
    if (this.#bytes > 0) this.#host.release(this.#bytes);
  }
}
