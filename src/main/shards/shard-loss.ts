/** What clients are told of a shard whose thread has died. */
import type { ErrorName } from "../../protocol/errors.js";

/** Why a shard is given up: there will be no thread before the broker is started again. */
export type DownKind = "SHARD_DOWN" | "JOURNAL_FAILED";

export type LossKind = "SHARD_RESTARTED" | DownKind;

export const LOSS_TEXTS = {
  SHARD_RESTARTED: "the shard was restarted; whether the request was carried out is not known",
  SHARD_DOWN: "this shard failed over and over and is stopped; the broker's log tells why",
  JOURNAL_FAILED: "the journal of this shard failed, and it is stopped; the broker's log tells why",
} as const satisfies Partial<Record<ErrorName, string>>;
