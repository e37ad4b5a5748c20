/** The requests of a PUBLISH: one with all its messages, or merged ones with one message each. */
import { skipEntries } from "../../protocol/entry.js";
import type { Publish } from "../command.js";

/**
 * Messages of a batch times the queues that it reaches: some milliseconds of work. It is the number of delayed messages
 * that matters: each queue has an extent of its own for each block of them.
 */
export const MAX_FAN_OUT = 262_144;

/** Whether its messages are taken or refused together. */
export const isWhole = ({ requests, isOneByOne }: Publish): boolean => requests === 1 && isOneByOne !== true;

/** Merged requests that together reach more queues than one may. */
export const isTooWide = (queues: readonly unknown[], { requests, count }: Publish): boolean =>
  requests > 1 && queues.length * count > MAX_FAN_OUT;

/** The merged requests from `done` on, `max` at the most. */
export const partOf = (c: Publish, done: number, max: number): Publish => {
  const requests = Math.min(max, c.requests - done);
  const start = skipEntries(c.view, c.start, done);
  const end = skipEntries(c.view, start, requests);
  const sequence = (c.sequence ?? 0) + done;
  return { ...c, request: c.request + done, requests, count: requests, sequence, start, end };
};
