/** What clients are told when a shard's thread has died. */
import type { ErrorName } from "../../protocol/errors.js";

/** Why a shard stays down until the broker is restarted. */
export type DownKind = "SHARD_DOWN" | "JOURNAL_FAILED";

export type LossKind = "SHARD_RESTARTED" | DownKind;

export const LOSS_TEXTS = {
  SHARD_RESTARTED: "the shard was restarted; whether the request was carried out is not known",
  SHARD_DOWN: "this shard has ended and cannot be started again; the broker's log tells why",
  JOURNAL_FAILED: "the journal of this shard failed, and it is stopped; the broker's log tells why",
} as const satisfies Partial<Record<ErrorName, string>>;
