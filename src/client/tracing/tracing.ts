/**
 * Joins messages to the traces of a program: headers that name a trace travel with what is published, and handlers run in
 * the context that the headers of their messages tell.
 */
import type { Headers } from "../../protocol/headers.js";
import { asBadArgument, badArgument } from "../arguments/argument-checks.js";
import { callLater } from "../arguments/call-later.js";
import { OPTIONS, readOptions } from "../arguments/option-reader.js";
import type { PublishEvent, TraceHooks, TraceTarget } from "../arguments/trace-hooks.js";
import type { MessageContent } from "../messages/content.js";
import { CHANNELS, isHeard } from "./diagnostics.js";

interface WithHeaders {
  readonly headers?: Headers | undefined;
}

const checkFunction = (what: string, value: unknown): void => {
  if (value !== undefined && typeof value !== "function") throw badArgument(what, value, "a function");
};

export class Tracing {
  readonly #hooks: TraceHooks;

  /** Throws BAD_ARGUMENT. */
  constructor(hooks: TraceHooks = {}) {
    this.#hooks = readOptions(hooks, OPTIONS.trace);
    checkFunction("trace.inject", this.#hooks.inject);
    checkFunction("trace.process", this.#hooks.process);
  }

  /** Somebody is to be told of what is published. */
  get isPublishing(): boolean {
    return this.#hooks.inject !== undefined || isHeard(CHANNELS.publish);
  }

  /** Publishes by `send`, which is called once, with options that have the headers of the trace. */
  publish<T, O extends WithHeaders>(
    target: TraceTarget,
    messages: number,
    options: O | undefined,
    send: (options: O | undefined) => Promise<T>,
  ): Promise<T> {
    const event: PublishEvent = { ...target, messages, headers: {} };
    const act = (): Promise<T> => send(this.#injected(event, options));
    try {
      return isHeard(CHANNELS.publish) ? CHANNELS.publish.tracePromise(act, event) : act();
    } catch (error) {
      return Promise.reject(asBadArgument(error));
    }
  }

  /** The handler, which runs in the context of its message when somebody is to be told of that. */
  handling<M extends MessageContent, C extends readonly [unknown?], T>(
    target: TraceTarget,
    handler: (message: M, ...context: C) => T,
  ): (message: M, ...context: C) => T | Promise<Awaited<T>> {
    const { process } = this.#hooks;
    // Whoever takes it refuses what is no function.
    if (typeof handler !== "function") return handler;
    return (message, ...context) => {
      const channel = isHeard(CHANNELS.process) ? CHANNELS.process : undefined;
      if (process === undefined && channel === undefined) return handler(message, ...context);
      const event = { ...target, message };
      const run = async (): Promise<Awaited<T>> => await handler(message, ...context);
      const act = process === undefined ? run : () => process(event, run);
      return channel === undefined ? act() : channel.tracePromise(act, event);
    };
  }

  #injected<O extends WithHeaders>(event: PublishEvent, options: O | undefined): O | undefined {
    try {
      this.#hooks.inject?.(event);
    } catch (error) {
      callLater("inject of the option trace", () => Promise.reject(error));
    }
    const { headers } = event;
    // What is no object is refused by whoever reads it.
    if (Object.keys(headers).length === 0 || (options !== undefined && Object(options) !== options)) return options;
    return { ...(options as O), headers: { ...headers, ...options?.headers } };
  }
}
