/**
 * What is published to one server: a lane for each order that must be kept.
 */
import type { RingmqError } from "../client/base/error.js";
import type { Link, Outgoing } from "./link.js";
import { clientClosed, PublishLane } from "./publish-lane.js";

export class ServerPublisher {
  readonly #link: Link;
  readonly #retries: number;
  readonly #lanes = new Map<number, PublishLane>();
  #isRetired = false;

  constructor(link: Link, retries: number) {
    this.#link = link;
    this.#retries = retries;
  }

  /** `done` is called once, later: undefined when the server has taken it. */
  publish(publish: Outgoing, done: (error: RingmqError | undefined) => void): void {
    const number = this.#link.laneOf(publish.topic);
    let lane = this.#lanes.get(number);
    if (lane === undefined) {
      lane = new PublishLane(this.#link, this.#retries, () => this.#closeWhenIdle());
      this.#lanes.set(number, lane);
    }
    lane.publish(publish, done);
  }

  /** The server is one no more: what is on its way is finished, then its connections are closed. */
  retire(): void {
    this.#isRetired = true;
    this.#closeWhenIdle();
  }

  /** What is not answered gets the error of a client that is closed. */
  close(): void {
    for (const lane of this.#lanes.values()) lane.close(clientClosed());
    this.#lanes.clear();
    this.#link.close();
  }

  #closeWhenIdle(): void {
    if (this.#isRetired && [...this.#lanes.values()].every(({ isIdle }) => isIdle)) this.close();
  }
}
