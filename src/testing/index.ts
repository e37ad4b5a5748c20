/** The package `ringmq/testing`: a broker in a test's own thread, under a clock that the test moves. */
export type { Client } from "../client/client.js";
export type { Duration } from "./duration.js";
export {
  createTestBroker,
  type RefusalCode,
  type TestBroker,
  type TestBrokerOptions,
  type TestClock,
} from "./test-broker.js";
