/**
 * The requests and the responders of a client of several nodes.
 */
import { readOptions } from "../arguments/option-reader.js";
import type { Body, RequestOptions, RespondOptions } from "../arguments/options.js";
import { REQUEST_OPTIONS } from "../arguments/request-options.js";
import { unobserved } from "../base/deferred.js";
import type { RingmqErrorCode } from "../base/error.js";
import { RingmqError } from "../base/error.js";
import type { RequestHandler } from "../calls/handler.js";
import type { Reply } from "../calls/reply.js";
import type { Client } from "../client.js";
import { noNode } from "./node-errors.js";
import type { NodeLink } from "./node-link.js";
import { NodesResponder } from "./nodes-responder.js";

/** After these no responder has had the request. */
const UNHEARD: ReadonlySet<RingmqErrorCode> = new Set(["NO_RESPONDER", "BUSY", "CLIENT_CLOSED", "TOO_MANY_IN_FLIGHT"]);

const isUnheard = (error: unknown): boolean => error instanceof RingmqError && UNHEARD.has(error.code);

export class NodesCalls {
  /** The connected nodes, the one to ask first in front. */
  readonly #nodes: () => readonly NodeLink[];
  readonly #responders = new Set<NodesResponder>();

  constructor(nodes: () => readonly NodeLink[]) {
    this.#nodes = nodes;
  }

  /** Asks one node after the other until one has a responder that takes it. */
  async request(channel: string, body: Body, given: RequestOptions = {}): Promise<Reply> {
    const options = readOptions(given, REQUEST_OPTIONS.request);
    let failure: unknown = noNode();
    for (const { client } of this.#nodes()) {
      if (client === undefined) continue;
      try {
        return await client.request(channel, body, options);
      } catch (error) {
        if (!isUnheard(error)) throw error;
        failure = error;
      }
    }
    throw failure;
  }

  async respond(channel: string, handler: RequestHandler, given: RespondOptions = {}): Promise<NodesResponder> {
    const responder = new NodesResponder(channel, handler, readOptions(given, REQUEST_OPTIONS.respond));
    this.#responders.add(responder);
    unobserved(responder.closed.then(() => this.#responders.delete(responder)));
    const answered = Promise.all(this.#nodes().map(({ client }) => client && responder.join(client)));
    // One that hangs must not hold up the others.
    await Promise.race([answered, responder.started]);
    const refusal = responder.isOver ? await responder.closed : undefined;
    if (refusal !== undefined) throw refusal;
    return responder;
  }

  /** A node takes requests. */
  connected(client: Client): void {
    for (const responder of this.#responders) unobserved(responder.join(client));
  }

  async drain(): Promise<void> {
    const forever = { timeout: Number.POSITIVE_INFINITY };
    await Promise.allSettled([...this.#responders].map((responder) => responder.stop(forever)));
  }

  /** The client was closed. */
  ended(): void {
    for (const responder of this.#responders) responder.ended();
  }
}
