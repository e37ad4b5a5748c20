/**
 * What becomes of a message whose handler has failed.
 */
import { checkDuration } from "../arguments/argument-checks.js";
import { callLater } from "../arguments/call-later.js";
import type { NackOptions } from "../arguments/options.js";
import { readReason } from "../arguments/reason.js";
import type { RetryDelay } from "./work-options.js";

/** Whatever a program throws may be a Proxy that throws. */
const isUnrecoverable = (error: unknown): boolean => {
  try {
    return Object(error).retry === false;
  } catch {
    return false;
  }
};

const delayAfter = (delay: number | RetryDelay | undefined, attempt: number, error: unknown): number | undefined => {
  if (typeof delay !== "function") return delay;
  try {
    const told = delay(attempt, error);
    checkDuration("what retry.delay returns", told);
    return told;
  } catch (thrown) {
    callLater("retry.delay of a worker", () => {
      throw thrown;
    });
    return undefined;
  }
};

/** How to give the message back. */
export const nackAfter = (error: unknown, attempt: number, delay: number | RetryDelay | undefined): NackOptions => {
  const reason = readReason(error);
  return isUnrecoverable(error) ? { retry: false, reason } : { delay: delayAfter(delay, attempt, error), reason };
};
