/**
 * All watches of a connection: the broker is asked for each, and sends its samples once.
 */
import { Op } from "../../protocol/op.js";
import { unobserved } from "../base/deferred.js";
import type { RingmqError } from "../base/error.js";
import { look } from "../connection/ask.js";
import type { Connection } from "../connection/connection.js";
import { CountRequest, Patience, ResultRequest } from "../connection/pending-request.js";
import { requestHead } from "../connection/request-head.js";
import type { SampleSink } from "../connection/sinks.js";
import { SampleReader } from "./broker-sample.js";
import { Watch } from "./watch.js";

/** Asks the next broker, whenever there is one. */
class WatchAgainRequest extends ResultRequest<void> {
  override isRepeatable = true;

  override get patience(): Patience {
    return Patience.ENDLESS;
  }
}

export class Watching implements SampleSink {
  readonly #connection: Connection;
  readonly #watches = new Set<Watch>();
  /** Asked for, and not answered yet. */
  #asked = 0;
  /** Undefined until the broker that there is has said how its samples are laid out. */
  #reader: SampleReader | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
    connection.samples = this;
  }

  /** Resolves when the broker has answered. */
  async begin(): Promise<Watch> {
    this.#asked++;
    try {
      return await look(this.#connection, Op.WATCH, [], new ResultRequest((answer) => this.#begun(answer)));
    } finally {
      this.#asked--;
    }
  }

  // SampleSink

  sample(view: DataView, start: number, end: number): void {
    if (this.#watches.size === 0) return this.#unlessWatched();
    if (this.#reader === undefined) return;
    const sample = this.#reader.read(view, start, end);
    for (const watch of this.#watches) watch.push(sample);
  }

  lost(): void {
    this.#reader = undefined;
    if (this.#watches.size === 0) return;
    const pending = new WatchAgainRequest((answer) => this.#resumed(answer));
    unobserved(pending.promise.catch((error) => this.ended(error as RingmqError)));
    this.#connection.reinstate(Op.WATCH, requestHead([]), pending);
  }

  ended(error: RingmqError | undefined): void {
    const watches = [...this.#watches];
    this.#watches.clear();
    for (const watch of watches) watch.end(error);
  }

  /** The samples that follow may be in the same read. */
  #begun(answer: unknown): Watch {
    this.#reader = new SampleReader(answer);
    const watch = new Watch(this.#reader.history, this.#left);
    this.#watches.add(watch);
    return watch;
  }

  #resumed(answer: unknown): void {
    this.#reader = new SampleReader(answer);
    for (const watch of this.#watches) watch.catchUp(this.#reader.history);
    this.#unlessWatched();
  }

  readonly #left = (watch: Watch): void => {
    if (this.#watches.delete(watch)) this.#unlessWatched();
  };

  async #stop(): Promise<void> {
    const pending = new CountRequest();
    this.#connection.control(Op.UNWATCH, requestHead([]), pending);
    await pending.promise;
  }

  /** Has the broker send no more when nobody watches any longer. */
  #unlessWatched(): void {
    if (this.#watches.size > 0 || this.#asked > 0 || !this.#connection.isConnected) return;
    unobserved(this.#stop());
  }
}
