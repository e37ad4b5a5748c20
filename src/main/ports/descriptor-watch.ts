/**
 * Sees to it that the ports are closed while the process has hardly a descriptor left, and opened when there are some
 * again. The connections of this broker cannot bring that about; others in the process can. To listen without being able
 * to accept costs a whole core.
 */

import type { Log } from "../log.js";
import { ENOUGH_FREE, FEW_FREE, freeDescriptors } from "../shards/descriptors.js";

export interface Port {
  /** Takes no more sockets. Those that are there stay. */
  pause(): void;
  /** Rejects when the address cannot be had now. */
  resume(): Promise<void>;
}

export class DescriptorWatch {
  readonly #ports: readonly Port[];
  readonly #log: Log;
  readonly #free: (wanted: number) => number;
  #isShort = false;
  #isResuming = false;
  #hasComplained = false;

  constructor(ports: readonly Port[], log: Log, free: (wanted: number) => number = freeDescriptors) {
    this.#ports = ports;
    this.#log = log;
    this.#free = free;
  }

  /** To be called about every second. */
  look(): void {
    if (!this.#isShort) {
      if (this.#free(FEW_FREE) < FEW_FREE) this.#pause({});
    } else if (!this.#isResuming && this.#free(ENOUGH_FREE) === ENOUGH_FREE) {
      void this.#resume();
    }
  }

  /** A connection could not be accepted. */
  acceptFailed(error: Error): void {
    this.#pause({ error });
  }

  #pause(fields: object): void {
    if (this.#isShort) return;
    this.#isShort = true;
    for (const port of this.#ports) port.pause();
    this.#log.error(
      fields,
      "the process has as many files open as it may: no connections are accepted until some are closed; " +
        "raise the limit (ulimit -n, LimitNOFILE= of systemd)",
    );
  }

  async #resume(): Promise<void> {
    this.#isResuming = true;
    try {
      for (const port of this.#ports) await port.resume();
      this.#isShort = false;
      this.#hasComplained = false;
      this.#log.warn({}, "files can be opened again: connections are accepted");
    } catch (error) {
      if (!this.#hasComplained) this.#log.error({ error }, "a port cannot be opened again; it is tried every second");
      this.#hasComplained = true;
      for (const port of this.#ports) port.pause();
    } finally {
      this.#isResuming = false;
    }
  }
}
