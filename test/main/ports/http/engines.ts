/** The engines that this system has, for tests that hold of each. */
import type { Log } from "../../../../src/main/log.js";
import type { EngineHost, HttpEngineFactory, HttpEngineName } from "../../../../src/main/ports/http/engine.js";
import { NodeEngine } from "../../../../src/main/ports/http/node-engine.js";
import { loadUws } from "../../../../src/main/ports/http/uws.js";
import { UwsEngine } from "../../../../src/main/ports/http/uws-engine.js";

const uws = await loadUws().catch(() => undefined);

type Named = readonly [HttpEngineName, HttpEngineFactory];

const uwsEngine: readonly Named[] = uws === undefined ? [] : [["uws", (host, tls) => new UwsEngine(uws, host, tls)]];

export const ENGINES: readonly Named[] = [...uwsEngine, ["node", (host, tls) => new NodeEngine(host, tls)]];

/** A port that lets everybody in. */
export const openHost = (log: Log): EngineHost => ({
  log,
  admitsSocket: () => true,
  acceptFailed: (error) => {
    throw error;
  },
});
