/**
 * A responder on every node.
 */
import type { DrainOptions, RespondOptions } from "../arguments/options.js";
import { readStop } from "../arguments/request-checks.js";
import { backoff, FIRST_WAIT, MAX_WAIT } from "../base/backoff.js";
import { deferred, unobserved } from "../base/deferred.js";
import { RingmqError } from "../base/error.js";
import { INSPECT, type Inspect, inspected } from "../base/inspection.js";
import { within } from "../base/timer.js";
import type { RequestHandler } from "../calls/handler.js";
import type { Responder } from "../calls/responder.js";
import type { Client } from "../client.js";
import { isForAnotherNode } from "./node-errors.js";

/** Takes the requests to a channel on all nodes, those included that are connected later. */
export class NodesResponder {
  readonly #handler: RequestHandler;
  readonly #options: RespondOptions;
  readonly #closed = deferred<RingmqError | undefined>();
  readonly #started = deferred<void>();
  readonly #stopped = deferred<void>();
  /** One for each node that has it. */
  readonly #responders = new Set<Responder>();
  #isOver = false;

  /** @internal */
  constructor(
    /** The channel whose requests it takes. */
    readonly channel: string,
    handler: RequestHandler,
    options: RespondOptions,
  ) {
    this.#handler = handler;
    this.#options = options;
  }

  /** Resolves when it has ended: with why, or with undefined when its own program ended it. */
  get closed(): Promise<RingmqError | undefined> {
    return this.#closed.promise;
  }

  /**
   * Resolves when one node has it, or none will.
   *
   * @internal
   */
  get started(): Promise<void> {
    return this.#started.promise;
  }

  /** @internal */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** As `stop` of a responder, on all nodes. */
  async stop(options: DrainOptions = {}): Promise<void> {
    const timeout = readStop(options);
    const stopping = [...this.#responders].map((responder) => responder.stop({ timeout }));
    this.#isOver = true;
    this.#stopped.resolve();
    await Promise.all(stopping);
    this.#end(undefined);
  }

  /** As `stop`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /**
   * Has a node's requests handled, until the connection of its client ends. Resolves when the node has answered.
   *
   * @internal
   */
  async join(client: Client): Promise<void> {
    let isConnected = true;
    const gone = client.closed.then(() => {
      isConnected = false;
    });
    for (let attempt = 0; isConnected && !this.#isOver; attempt++) {
      try {
        const responder = await client.respond(this.channel, this.#handler, this.#options);
        this.#began(responder);
        return;
      } catch (error) {
        // A wrong name, an argument: the same on every node.
        if (!isForAnotherNode(error)) return this.#end(error instanceof RingmqError ? error : undefined);
      }
      await within(backoff(attempt, FIRST_WAIT, MAX_WAIT), Promise.race([gone, this.#stopped.promise]));
    }
  }

  /**
   * Its client was closed.
   *
   * @internal
   */
  ended(): void {
    this.#end(undefined);
  }

  toJSON(): object {
    return { channel: this.channel };
  }

  [INSPECT](_depth: number, options: unknown, inspect: Inspect): string {
    return inspected("NodesResponder", this.toJSON(), options, inspect);
  }

  #began(responder: Responder): void {
    this.#started.resolve();
    this.#responders.add(responder);
    unobserved(responder.closed.then(() => this.#responders.delete(responder)));
    if (this.#isOver) unobserved(responder.stop());
  }

  #end(error: RingmqError | undefined): void {
    this.#isOver = true;
    this.#stopped.resolve();
    this.#started.resolve();
    this.#closed.resolve(error);
  }
}
