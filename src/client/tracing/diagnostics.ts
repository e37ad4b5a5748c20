/**
 * The channels of `node:diagnostics_channel` that tell what a client does, where the platform has that module.
 *
 * It is asked for and not imported: a browser has none, and a bundle for one must not name it.
 */

/** As much of a tracing channel of Node.js as the client uses. */
export interface TracingChannel {
  /** Undefined where the platform does not tell. */
  readonly hasSubscribers?: boolean;
  tracePromise<T, C extends object>(act: () => Promise<T>, context: C): Promise<T>;
}

interface Diagnostics {
  tracingChannel(name: string): TracingChannel;
}

interface Platform {
  readonly process?: { readonly getBuiltinModule?: (name: string) => Diagnostics | undefined };
}

const diagnostics = (globalThis as Platform).process?.getBuiltinModule?.("diagnostics_channel");

const channel = (name: string): TracingChannel | undefined => diagnostics?.tracingChannel(name);

/** `tracing:ringmq.publish:start`, `…:end`, `…:asyncStart`, `…:asyncEnd`, `…:error`; and the same of `ringmq.process`. */
export const CHANNELS = { publish: channel("ringmq.publish"), process: channel("ringmq.process") };

/** Whether anybody listens. */
export const isHeard = (channel: TracingChannel | undefined): channel is TracingChannel =>
  channel !== undefined && channel.hasSubscribers !== false;
