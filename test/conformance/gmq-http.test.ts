/** gmq's HTTP API on a real broker: every answer of the tables, byte for byte. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Broker, startBroker } from "../../dist/index.js";
import { makeDirectory, removeDirectory } from "../directories.js";
import { ENGINE_NAMES } from "../http-engine.js";
import { WIRES } from "../tls.js";
import { HTTP_CASES } from "./gmq-http-cases.js";
import { MESSAGE_CASES } from "./gmq-message-cases.js";
import { REFUSAL_CASES } from "./gmq-refusal-cases.js";
import type { Parameters, Step } from "./gmq-steps.js";
import { TOPIC_CASES } from "./gmq-topic-cases.js";
import { exchange, type HttpRequest } from "./http-exchange.js";
import { Places } from "./places.js";

let data = "";
let broker: Broker;
let port = 0;

const COMBINATIONS = ENGINE_NAMES.flatMap((httpEngine) => WIRES.map((wire) => ({ httpEngine, wire })));

describe.each(COMBINATIONS)("on the engine $httpEngine, $wire.name", ({ httpEngine, wire }) => {
  beforeAll(async () => {
    data = makeDirectory();
    broker = await startBroker({
      ...wire.broker,
      httpEngine,
      tcp: { host: "127.0.0.1", port: 0 },
      http: { host: "127.0.0.1", port: 0 },
      data,
      segmentBytes: 1024 * 1024,
      shards: 2,
      memory: 256 * 1024 * 1024,
    });
    port = broker.addresses.http?.port ?? 0;
  });
  afterAll(async () => {
    await broker.close();
    removeDirectory(data);
  });

  /** How a client of the HTTP API asks for an operation. */
  const asRequest = (operation: string, parameters: Parameters): HttpRequest => {
    if (operation === "push") {
      const body = new URLSearchParams({ data: JSON.stringify(parameters) }).toString();
      return {
        method: "POST",
        path: "/push",
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body,
      };
    }
    const query = Object.entries(parameters).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
    return { method: "GET", path: `/${operation}?${query.join("&")}` };
  };

  const take = async ({ operation, parameters, answer, instead }: Step, places: Places): Promise<void> => {
    const filled = Object.entries(parameters).map(([name, value]) => [
      name,
      typeof value === "string" ? places.fill(value) : value,
    ]);
    for (;;) {
      const got = await exchange(port, asRequest(operation, Object.fromEntries(filled)), undefined, wire.request);
      const body = places.hide(got.body, answer);
      if (body === instead) continue;
      expect({ ...got, body }).toEqual({ status: 200, type: "application/json", body: answer });
      return;
    }
  };

  describe.each([
    ["messages", MESSAGE_CASES],
    ["topics", TOPIC_CASES],
    ["refusals", REFUSAL_CASES],
  ])("gmq's %s over HTTP", (_, cases) => {
    test.for(cases)("$name", async ({ steps }) => {
      const places = new Places();
      for (const step of steps) await take(step, places);
    });
  });

  describe("gmq's HTTP API", () => {
    let places = new Places();
    test.for(HTTP_CASES)("$name", async ({ request, answer }) => {
      if (request.path === "/push") places = new Places();
      const got = await exchange(port, request, undefined, wire.request);
      expect({ ...got, body: places.hide(got.body, answer.body) }).toEqual(answer);
    });
  });
});
