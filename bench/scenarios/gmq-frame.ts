/**
 * gmq's frames on one connection, pipelined.
 */
import { pipelinedVariants } from "./gmq-tcp.js";
import { fitting, type Scenario } from "./scenario.js";

const SCENARIO = "gmq-frame";

export const gmqFrame: Scenario = {
  name: SCENARIO,
  isForeign: true,
  summary: "gmq's frames on one connection: push, pop and ack, pipelined",
  defaults: (bytes) => ({ messages: fitting(300_000, bytes), batch: 1, runs: 3 }),
  variants: pipelinedVariants(SCENARIO, "frame", "push"),
};
