/**
 * Whether a client joins messages to traces.
 */
import type { TraceHooks } from "../arguments/trace-hooks.js";
import { Tracing } from "./tracing.js";

/** What the platform tells, and these hooks; undefined: neither does. Throws BAD_ARGUMENT. */
export const tracingOf = (hooks: TraceHooks | undefined): Tracing | undefined | Promise<Tracing | undefined> =>
  new Tracing(hooks);
