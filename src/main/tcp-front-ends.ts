/** The foreign protocols of the TCP port: docs/adding-a-front-end.md tells how to add one. */
import { gmqFrame } from "./front-ends/gmq/frame/index.js";
import { gmqLine } from "./front-ends/gmq/line/index.js";
import type { BrokerOptions } from "./options.js";
import type { FrontEnd } from "./ports/front-end.js";

/** Messages to one topic that reach all its queues at most: see docs/protocol.md. */
const MAX_FAN_OUT = 262_144;

/** Messages of one client that are published together at most. */
const MAX_BATCH = 256;

export const frontEndsOf = ({
  maxMessageBytes,
  maxBatchMessages,
  maxQueues,
  log,
}: BrokerOptions): readonly FrontEnd[] => {
  const batch = Math.max(1, Math.min(MAX_BATCH, maxBatchMessages, Math.floor(MAX_FAN_OUT / maxQueues)));
  return [gmqFrame(), gmqLine({ maxMessageBytes, maxBatchMessages: batch, log })];
};
