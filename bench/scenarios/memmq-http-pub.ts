/** memmq's POST /pub with autocannon, beside a bare HTTP server on the same library. */
import { besideBare, HTTP_CONNECTIONS } from "./http-push.js";
import { TOPIC } from "./publish.js";
import type { Scenario } from "./scenario.js";

const SCENARIO = "memmq-http-pub";

export const memmqHttpPub: Scenario = {
  name: SCENARIO,
  summary: `memmq's POST /pub on ${HTTP_CONNECTIONS} connections with autocannon, beside a bare handler on the same library`,
  defaults: () => ({ messages: 150_000, batch: 1, runs: 1 }),
  variants: [
    {
      name: "raw",
      run: (bench) => {
        const form = "a".repeat(bench.parameters.bytes);
        return besideBare(bench, SCENARIO, { path: `/pub?topic=${TOPIC}`, form, accepted: '"code":200' });
      },
    },
  ],
};
