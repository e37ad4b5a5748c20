/** Keeps a connection from being read while its user has published more than it may. */
import type { ConnectionAccess } from "./connection-access.js";

/** In milliseconds. After so long it looks again: the user's limits may have changed, and no timer waits for more than 24 days. */
const MAX_SLEEP = 1_000;

export class Throttle {
  /** It is not to be read. */
  isOn = false;
  readonly #onChange: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Input has been looked at. `access`: undefined as long as nobody is asked, or it is not known. */
  look(access: ConnectionAccess | undefined): void {
    if (access === undefined || access.wait === 0) return;
    const { wait } = access;
    access.wait = 0;
    if (this.isOn) return;
    this.isOn = true;
    this.#onChange();
    this.#lookAfter(wait, access);
  }

  /** The connection has gone. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  #lookAfter(wait: number, access: ConnectionAccess): void {
    this.#timer = setTimeout(
      () => {
        // Other connections of the user may have been first.
        const more = access.publishWait();
        if (more > 0 && !access.isOver) return this.#lookAfter(more, access);
        this.isOn = false;
        this.#onChange();
      },
      Math.min(wait, MAX_SLEEP),
    ).unref();
  }
}
