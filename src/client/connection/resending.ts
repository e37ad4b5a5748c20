/**
 * Sends the requests of a connection over a transport that takes the place of a lost one.
 */
import { LENGTH_BYTES } from "../../protocol/frame.js";
import { localError } from "../base/error.js";
import { datedFrame } from "./dated-frame.js";
import type { SendQueue } from "./send-queue.js";
import type { WaitingRequests } from "./waiting-requests.js";

/**
 * Sends all that wait, in the order in which they were asked for. `now` is by the connection's clock; those fail with
 * FRAME_TOO_LARGE that are longer than the broker takes.
 */
export const sendAgain = (waiting: WaitingRequests, queue: SendQueue, maxFrameBytes: number, now: number): void => {
  for (const [request, pending] of waiting.requests.entries()) {
    const { frame: kept, dated, isRepeatable } = pending;
    if (kept === undefined) continue;
    const frame = dated === undefined ? kept : datedFrame(kept, dated, now);
    const bytes = frame.length - LENGTH_BYTES;
    if (bytes > maxFrameBytes) {
      const why = `this broker takes frames of at most ${maxFrameBytes} bytes; this one has ${bytes}`;
      waiting.fail(request, pending, localError("FRAME_TOO_LARGE", why));
      continue;
    }
    queue.addWhole(frame);
    pending.isSent = true;
    if (!isRepeatable) pending.frame = undefined;
  }
};
