/**
 * The address of all sockets that are there, if they have but one, as those of a proxy or of this machine do. To ask
 * uWebSockets.js for it with each request would cost a twentieth of what a push costs.
 */
export class CommonAddress {
  #sockets = 0;
  #address: string | undefined;

  /** Undefined: they have several. */
  get value(): string | undefined {
    return this.#address;
  }

  came(address: string): void {
    // Once there are several, it stays undefined until all sockets have gone: their addresses are not kept.
    if (this.#sockets === 0) this.#address = address;
    else if (this.#address !== address) this.#address = undefined;
    this.#sockets++;
  }

  /** A socket has gone, or has become a WebSocket. */
  went(): void {
    this.#sockets--;
  }
}
