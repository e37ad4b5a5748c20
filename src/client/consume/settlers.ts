/**
 * The settlers of a connection, one for each queue.
 */
import type { RingmqError } from "../base/error.js";
import type { Batcher } from "../connection/batcher.js";
import type { Connection } from "../connection/connection.js";
import { Settler } from "./settler.js";
import { Tenure } from "./tenure.js";

/** Settlers kept for reuse. */
const MAX_SETTLERS = 1024;

export class Settlers implements Batcher {
  readonly #connection: Connection;
  readonly #byQueue = new Map<string, Settler>();
  /** Those with a batch. */
  readonly #open = new Set<Settler>();

  /** That of what is delivered now. */
  tenure = new Tenure();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** The settler of a queue; of the queue that a request means by default when it is undefined. */
  of(topic: string, queue: string | undefined): Settler {
    // Names have no control characters, so the key is unambiguous.
    const key = queue === undefined ? topic : `${topic}\n${queue}`;
    let settler = this.#byQueue.get(key);
    if (settler === undefined) {
      // Those that are forgotten here still work: messages keep the settlers of their queues.
      if (this.#byQueue.size === MAX_SETTLERS) this.#byQueue.clear();
      settler = new Settler(this.#connection, topic, queue, this.#open, this);
      this.#byQueue.set(key, settler);
    }
    return settler;
  }

  seal(): void {
    for (const settler of this.#open) settler.seal();
  }

  /** The leases went with the connection. */
  lost(error: RingmqError): void {
    this.fail(error);
    this.tenure = new Tenure();
  }

  fail(error: RingmqError): void {
    this.tenure.end(error);
    for (const settler of this.#open) settler.fail(error);
  }
}
