/** Keeps a connection from being read while its user has published more than it may. */
import type { ConnectionAccess } from "./connection-access.js";

export class Throttle {
  /** It is not to be read. */
  isOn = false;
  readonly #onChange: () => void;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Input has been looked at. */
  look(access: ConnectionAccess): void {
    const { wait } = access;
    access.wait = 0;
    if (this.isOn) return;
    this.isOn = true;
    this.#onChange();
    this.#lookAfter(wait, access);
  }

  #lookAfter(wait: number, access: ConnectionAccess): void {
    setTimeout(() => {
      // Other connections of the user may have been first.
      const more = access.publishWait();
      if (more > 0 && !access.isOver) return this.#lookAfter(more, access);
      this.isOn = false;
      this.#onChange();
    }, wait).unref();
  }
}
