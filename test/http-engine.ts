/**
 * Which engine serves HTTP in tests. Those that hold of both run on both; all others on the one that RINGMQ_HTTP_ENGINE
 * names, or on the broker's default.
 */
import { HTTP_ENGINES, type HttpEngineOption } from "../src/main/options.js";
import type { HttpEngineName } from "../src/main/ports/http/engine.js";
import { loadUws } from "../src/main/ports/http/uws.js";

const named = process.env["RINGMQ_HTTP_ENGINE"] ?? "auto";

const chosen = HTTP_ENGINES.find((name) => name === named);
if (chosen === undefined)
  throw new Error(`RINGMQ_HTTP_ENGINE is ${named}: it must be one of ${HTTP_ENGINES.join(", ")}`);

export const HTTP_ENGINE: HttpEngineOption = chosen;

const canHaveUws = await loadUws().then(
  () => true,
  () => false,
);

/** Those that this system has. */
export const ENGINE_NAMES: readonly HttpEngineName[] = canHaveUws ? ["uws", "node"] : ["node"];
