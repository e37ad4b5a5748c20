/**
 * What is published to one server: a lane for each order that must be kept.
 */
import type { RingmqError } from "../client/base/error.js";
import type { Link, Outgoing } from "./link.js";
import { clientClosed, PublishLane } from "./publish-lane.js";

export class ServerPublisher {
  readonly #link: Link;
  readonly #retries: number;
  readonly #lanes = new Map<string, PublishLane>();
  #isRetired = false;

  constructor(link: Link, retries: number) {
    this.#link = link;
    this.#retries = retries;
  }

  /** `done` is called once, later: undefined when the server has taken it. */
  publish(publish: Outgoing, done: (error: RingmqError | undefined) => void): void {
    const name = this.#link.laneOf(publish.topic);
    let lane = this.#lanes.get(name);
    if (lane === undefined) {
      lane = new PublishLane(this.#link, this.#retries, () => this.#idle(name));
      this.#lanes.set(name, lane);
    }
    lane.publish(publish, done);
  }

  /** The server is one no more: what is on its way is finished, then its connections are closed. */
  retire(): void {
    this.#isRetired = true;
    for (const [name, lane] of [...this.#lanes]) if (lane.isIdle) this.#drop(name);
    if (this.#lanes.size === 0) this.#link.close();
  }

  /** What is not answered gets the error of a client that is closed. */
  close(): void {
    for (const lane of this.#lanes.values()) lane.close(clientClosed());
    this.#lanes.clear();
    this.#link.close();
  }

  #idle(name: string): void {
    // The last lane keeps its connection; those of many topics would be kept for ever.
    if (this.#lanes.size > 1 || this.#isRetired) this.#drop(name);
    if (this.#isRetired && this.#lanes.size === 0) this.#link.close();
  }

  #drop(name: string): void {
    this.#lanes.get(name)?.close(clientClosed());
    this.#lanes.delete(name);
  }
}
