/**
 * Replaces the traces of the platform in a build for pages, which has none: a page that has no hooks loads nothing of this.
 */
import type { TraceHooks } from "../arguments/trace-hooks.js";
import type { Tracing } from "../tracing/tracing.js";
import { cannotLoad } from "./later.js";

export const tracingOf = async (hooks: TraceHooks | undefined): Promise<Tracing | undefined> => {
  if (hooks === undefined) return undefined;
  const { Tracing } = await import("../tracing/tracing.js").catch(cannotLoad);
  return new Tracing(hooks);
};
