/**
 * When a message whose delivery has failed is tried again, as its topic's configuration says: later each time, up to a
 * cap, and apart from others that have failed with it. Nothing here is random: the same message has the same delays.
 */
import { idTime } from "../../protocol/id.js";
import { MAX_DELAY } from "../../protocol/limits.js";
import type { TopicConfig } from "../command.js";

/** Milliseconds until a message that is retried for the `retry`-th time (from 1 on) is ready again. */
export const retryDelay = (config: TopicConfig, retry: number, idHigh: number, idLow: number): number => {
  const { retryDelay: first, retryFactor, retryMaxDelay, retryJitter } = config;
  if (first === 0) return 0;
  // A power beyond what a number can hold is Infinity, and the cap applies.
  const delay = Math.min(first * retryFactor ** (retry - 1), retryMaxDelay || MAX_DELAY);
  if (retryJitter === 0) return Math.round(delay);
  return Math.round(delay * (1 - retryJitter * fractionOf(retry, idHigh, idLow)));
};

/** Whether a message was published so long ago that it is not tried again. */
export const isTooOld = ({ retryMaxAge }: TopicConfig, idHigh: number, idLow: number, now: number): boolean =>
  retryMaxAge > 0 && now - idTime(idHigh, idLow) > retryMaxAge;

/** A number from 0 to below 1, another one for each message and retry: the finalizer of MurmurHash3 over both. */
const fractionOf = (retry: number, idHigh: number, idLow: number): number => {
  let hash = Math.imul(idLow ^ Math.imul(idHigh, 0x9e37_79b1) ^ Math.imul(retry, 0x85eb_ca6b), 0xcc9e_2d51);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 0x1_0000_0000;
};
