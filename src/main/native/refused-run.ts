/** A run of requests that goes nowhere: its shard is down, or has gone before the connection as the broker stops. */
import { LENGTH_BYTES, REQUEST } from "../../protocol/frame.js";
import { LOSS_TEXTS, type LossKind } from "../shards/shard-loss.js";
import type { ConsumerLedger } from "./consumer-ledger.js";
import { answerError, STOPPING } from "./local-answers.js";
import type { Outgoing } from "./outgoing.js";
import type { RequestWindow } from "./request-window.js";

/** Refuses each request in [start, end), which are whole frames. */
export const refuseRun = (
  outgoing: Outgoing,
  kind: LossKind | "SHUTTING_DOWN",
  window: RequestWindow,
  ledger: ConsumerLedger,
  view: DataView,
  start: number,
  end: number,
): void => {
  const text = kind === "SHUTTING_DOWN" ? STOPPING : LOSS_TEXTS[kind];
  for (let at = start; at < end; at += LENGTH_BYTES + view.getUint32(at)) {
    const request = view.getUint32(at + REQUEST);
    if (!window.clear(request)) continue;
    ledger.refused(request);
    answerError(outgoing, kind, text, request);
  }
};
