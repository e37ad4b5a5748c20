/**
 * Joins messages to the traces of a program: headers that name a trace travel with what is published, and handlers run in
 * the context that the headers of their messages tell.
 */
import type { Headers } from "../../protocol/headers.js";
import { callLater } from "../arguments/call-later.js";
import { OPTIONS, readOptions } from "../arguments/option-reader.js";
import type { MessageContent } from "../messages/content.js";
import { CHANNELS, isHeard } from "./diagnostics.js";
import type { PublishEvent, TraceHooks, TraceTarget } from "./hooks.js";

interface WithHeaders {
  readonly headers?: Headers | undefined;
}

export class Tracing {
  readonly #hooks: TraceHooks;

  constructor(hooks: TraceHooks = {}) {
    this.#hooks = readOptions(hooks, OPTIONS.trace);
  }

  /** Somebody is to be told of what is published. */
  get isPublishing(): boolean {
    return this.#hooks.inject !== undefined || isHeard(CHANNELS.publish);
  }

  /** Publishes by `send`, which is called once, with options that have the headers of the trace. */
  publish<T, O extends WithHeaders>(
    target: TraceTarget,
    messages: number,
    options: O,
    send: (options: O) => Promise<T>,
  ): Promise<T> {
    const event: PublishEvent = { ...target, messages, headers: {} };
    const act = (): Promise<T> => send(this.#injected(event, options));
    return isHeard(CHANNELS.publish) ? CHANNELS.publish.tracePromise(act, event) : act();
  }

  /** The handler, which runs in the context of its message when somebody is to be told of that. */
  handling<M extends MessageContent, A extends readonly unknown[], T>(
    target: TraceTarget,
    handler: (message: M, ...rest: A) => T,
  ): (message: M, ...rest: A) => T | Promise<Awaited<T>> {
    const { process } = this.#hooks;
    return (message, ...rest) => {
      const isObserved = isHeard(CHANNELS.process);
      if (process === undefined && !isObserved) return handler(message, ...rest);
      const event = { ...target, message };
      const run = async (): Promise<Awaited<T>> => await handler(message, ...rest);
      const act = process === undefined ? run : () => process(event, run);
      return isObserved ? CHANNELS.process.tracePromise(act, event) : act();
    };
  }

  #injected<O extends WithHeaders>(event: PublishEvent, options: O): O {
    try {
      this.#hooks.inject?.(event);
    } catch (error) {
      callLater("inject of the option trace", () => Promise.reject(error));
    }
    const { headers } = event;
    return Object.keys(headers).length === 0 ? options : { ...options, headers: { ...headers, ...options.headers } };
  }
}
