/**
 * Which engine serves HTTP: what the operator asks for, or the faster one where it can be loaded. Where clients need a
 * certificate it is node's: uWebSockets.js does not turn those away that have none. The other one is not loaded.
 */

import type { Log } from "../../log.js";
import type { HttpEngineOption } from "../../options.js";
import { StartError } from "../../shards/start-error.js";
import type { HttpEngineFactory } from "./engine.js";
import { loadUws } from "./uws.js";

/** @throws StartError when uWebSockets.js is asked for and cannot be loaded */
export const findHttpEngine = async (
  wanted: HttpEngineOption,
  needsClientCertificate: boolean,
  log: Log,
  load = loadUws,
): Promise<HttpEngineFactory> => {
  if (wanted === "node") {
    log.info({}, "HTTP engine: node (node:http and ws, as asked for)");
    return await loadNode();
  }
  if (needsClientCertificate && wanted === "auto") {
    log.info({}, "HTTP engine: node (node:https and ws, since clients need a certificate)");
    return await loadNode();
  }
  try {
    const uws = await load();
    const { UwsEngine } = await import("./uws-engine.js");
    log.info({}, "HTTP engine: uws (uWebSockets.js)");
    return (host, certificate) => new UwsEngine(uws, host, certificate);
  } catch (error) {
    const reason = reasonOf(error);
    if (wanted === "uws") {
      throw new StartError(
        `uWebSockets.js cannot be loaded (${reason}): start with --http-engine node or auto, or install a release of it ` +
          "that has a binary for this system and this Node.js (docs/operations.md, HTTP engines)",
      );
    }
    log.info({}, `HTTP engine: node (uWebSockets.js cannot be loaded: ${reason})`);
    return await loadNode();
  }
};

/** With node:http, node:https and ws. */
const loadNode = async (): Promise<HttpEngineFactory> => {
  const { NodeEngine } = await import("./node-engine.js");
  return (host, certificate) => new NodeEngine(host, certificate);
};

/** A line. uWebSockets.js says which systems it is for, and behind an empty line what has happened: a library is missing, a version. */
const reasonOf = (error: unknown): string => {
  const text = error instanceof Error ? error.message : String(error);
  const [, cause = text] = text.split("\n\n", 2);
  return (cause.split("\n", 1)[0] ?? cause).replace(/^Error: /, "");
};
