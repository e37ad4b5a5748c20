/**
 * What a client is made of beside its connection.
 */
import type { EventHub } from "./base/event-hub.js";
import type { ConnectionStatus } from "./connection/status.js";
import type { Numbering } from "./publish/numbering.js";
import type { Tracing } from "./tracing/tracing.js";

export interface ClientParts {
  /** Of the broker that it is connected to first. */
  readonly url?: string;
  /** Messages to topics are numbered. */
  readonly numbering?: Numbering | undefined;
  /** Where whoever makes its connection again tells how it is connected. */
  readonly statuses?: EventHub<ConnectionStatus>;
  /** What it tells of what is published and of the handlers that run. */
  readonly tracing?: Tracing | undefined;
}
