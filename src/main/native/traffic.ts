/** How much a connection has received and sent: counted by the chunk, and measured by the second. */
import type { Outgoing } from "./outgoing.js";

/** Milliseconds between two measurements at least: what is asked for at once goes by the same one. */
const MEASURE_EVERY = 500;

/** Bytes of frames. */
export interface Bytes {
  readonly received: number;
  readonly sent: number;
}

export class Traffic implements Bytes {
  received = 0;
  /** Bytes a second, over the last measured while. */
  receivedRate = 0;
  sentRate = 0;
  #received = 0;
  #sent = 0;
  #at: number | undefined;
  readonly #outgoing: Pick<Outgoing, "written">;

  constructor(outgoing: Pick<Outgoing, "written">) {
    this.#outgoing = outgoing;
  }

  get sent(): number {
    return this.#outgoing.written;
  }

  /** Now and then; `now` in milliseconds of a clock that does not step. */
  measure(now: number): void {
    const { sent } = this;
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
