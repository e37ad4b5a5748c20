/**
 * The requests and the responders of one connection.
 */
import type { Body, RequestOptions, RespondOptions } from "../arguments/options.js";
import { RequestChecks } from "../arguments/request-checks.js";
import { unobserved } from "../base/deferred.js";
import type { RingmqError } from "../base/error.js";
import type { Connection } from "../connection/connection.js";
import { Caller } from "./caller.js";
import type { RequestHandler } from "./handler.js";
import type { Reply } from "./reply.js";
import { Responder } from "./responder.js";
import { Serving } from "./serving.js";

/** Requests that a responder is at, at a time, unless it says otherwise: most handlers wait for something. */
const CONCURRENCY = 64;

export class Calls {
  readonly #connection: Connection;
  readonly #checks: RequestChecks;
  readonly #assertTaking: () => void;
  readonly #caller: Caller;
  readonly #servings = new Set<Serving>();

  /** `assertTaking` throws when nothing that brings requests may be begun any more. */
  constructor(connection: Connection, assertTaking: () => void) {
    this.#connection = connection;
    this.#checks = new RequestChecks(connection.info.limits.maxNameBytes);
    this.#assertTaking = assertTaking;
    this.#caller = new Caller(connection, this.#checks);
  }

  request(channel: string, body: Body, options?: RequestOptions): Promise<Reply> {
    return this.#caller.request(channel, body, options);
  }

  async respond(channel: string, handler: RequestHandler, options: RespondOptions): Promise<Responder> {
    const { concurrency = CONCURRENCY } = this.#checks.respond(channel, handler, options);
    this.#assertTaking();
    const serving = await Serving.start(this.#connection, channel, handler, concurrency);
    this.#servings.add(serving);
    unobserved(serving.closed.then(() => this.#servings.delete(serving)));
    return new Responder(channel, serving);
  }

  /** Stops all responders, however long their handlers take: see `Serving.stop`. They end for this reason. */
  async stop(reason: RingmqError | undefined): Promise<void> {
    await Promise.all([...this.#servings].map((serving) => serving.stop(Number.POSITIVE_INFINITY, reason)));
  }
}
