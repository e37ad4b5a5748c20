/** memmq's POST /pub with autocannon, beside a bare HTTP server on the same library. */
import { besideBare, besidePlain, HTTP_CONNECTIONS } from "./http-push.js";
import { TOPIC } from "./publish.js";
import type { Bench, Scenario } from "./scenario.js";

const SCENARIO = "memmq-http-pub";

const posted = ({ parameters: { bytes } }: Bench) => ({
  path: `/pub?topic=${TOPIC}`,
  form: "a".repeat(bytes),
  accepted: '"code":200',
});

export const memmqHttpPub: Scenario = {
  name: SCENARIO,
  isForeign: true,
  summary: `memmq's POST /pub on ${HTTP_CONNECTIONS} connections with autocannon, beside a bare handler on the same library, and over TLS`,
  defaults: () => ({ messages: 150_000, batch: 1, runs: 1 }),
  variants: [
    {
      name: "raw",
      run: (bench) => besideBare(bench, SCENARIO, posted(bench)),
    },
    {
      name: "tls",
      run: (bench) => besidePlain(bench, SCENARIO, posted(bench)),
    },
  ],
};
