/**
 * The hooks by which a program joins messages to its traces.
 */
import type { MessageContent } from "../messages/content.js";

/** A topic or a channel. */
export interface TraceTarget {
  readonly topic?: string | undefined;
  readonly channel?: string | undefined;
}

/** What is published, or asked for. The context of the tracing channel `ringmq.publish`. */
export interface PublishEvent extends TraceTarget {
  /** How many messages. */
  readonly messages: number;
  /** What travels with each beside its own headers, which win. Hooks and subscribers of the channel add to it. */
  readonly headers: Record<string, string>;
}

/** What a handler is called with. The context of the tracing channel `ringmq.process`. */
export interface ProcessEvent extends TraceTarget {
  /** A message, or of a responder the request. */
  readonly message: MessageContent;
}

/** The hooks of a tracing library; docs/client.md has those for OpenTelemetry. */
export interface TraceHooks {
  /**
   * Called with each publish and each request: adds to `event.headers` what names the trace, such as the `traceparent` and
   * `tracestate` of W3C. What it throws is printed with `console.error`, and the message goes without. Default: none.
   */
  readonly inject?: ((event: PublishEvent) => void) | undefined;
  /**
   * Called with each message of a worker and each request of a responder: calls `handler` within the context that
   * `event.message.headers` tell, and returns what that returns. What it throws counts as thrown by the handler. Default: none.
   */
  readonly process?: (<T>(event: ProcessEvent, handler: () => Promise<T>) => Promise<T>) | undefined;
}
