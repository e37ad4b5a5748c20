import { expect, it } from "vitest";
import type { MessageState, TopicConfig } from "../../../src/client/arguments/options.js";
import { localError } from "../../../src/client/base/error.js";
import { ERRORS } from "../../../src/protocol/errors.js";
import type { TopicConfig as BrokerConfig, MessageState as BrokerState } from "../../../src/shard/command.js";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

it("a topic's configuration and the states of a message are those of the broker", () => {
  // The compiler does the test: a difference makes one of these types `false`.
  const same: [Same<TopicConfig, BrokerConfig>, Same<MessageState, BrokerState>] = [true, true];
  expect(same).toEqual([true, true]);
});

it("the client's own codes are none of the broker's, and say whether to try again", () => {
  const codes = ["CONNECT_FAILED", "CONNECTION_CLOSED", "CLIENT_BUSY", "CLIENT_CLOSED", "UNKNOWN_ERROR"] as const;
  for (const code of codes) expect(Object.keys(ERRORS)).not.toContain(code);
  expect(codes.map((code) => localError(code, "").retryable)).toEqual([true, true, true, false, false]);
});
