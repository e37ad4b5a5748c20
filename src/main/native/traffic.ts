/** How much a connection has received and sent: counted by the chunk, and measured by the second. */

/** Milliseconds between two measurements at least: what is asked for at once goes by the same one. */
const MEASURE_EVERY = 500;

export class Traffic {
  /** Bytes of frames. */
  received = 0;
  /** Bytes a second, over the last measured while. */
  receivedRate = 0;
  sentRate = 0;
  #received = 0;
  #sent = 0;
  #at: number | undefined;

  /** Now and then; `now` in milliseconds of a clock that does not step. `sent`: all bytes so far. */
  measure(now: number, sent: number): void {
    const since = this.#at;
    if (since !== undefined && now - since < MEASURE_EVERY) return;
    if (since !== undefined) {
      const seconds = (now - since) / 1_000;
      this.receivedRate = Math.round((this.received - this.#received) / seconds);
      this.sentRate = Math.round((sent - this.#sent) / seconds);
    }
    this.#received = this.received;
    this.#sent = sent;
    this.#at = now;
  }
}
