/**
 * How far a start is: the journal is verified, then replayed, which for a full disk takes minutes. Told often enough for
 * a bar that moves; what goes into a log is told at the start, every few seconds, and at the end.
 */
import type { Log } from "./log.js";

/** Sealed segments are checked in the pool; then each shard reads its own. */
export type StartPhase = "verify" | "replay";

/** What a phase came to. */
export interface PhaseFigures {
  readonly segments: number;
  readonly bytes: number;
  readonly records: number;
  /** Of the shards together, when they are ready: messages that wait, are delayed or dead. */
  readonly messages?: number;
}

export interface StartProgress {
  /** A phase begins that has so many bytes before it; there is none of a phase with nothing to do. */
  begin(phase: StartPhase, bytes: number): void;
  /** So many bytes of the phase are done, all in all. */
  advance(bytes: number): void;
  end(phase: StartPhase, figures: PhaseFigures, seconds: number): void;
  /** The start fails in the middle of a phase. */
  abort(): void;
}

/** Between two lines of a phase, milliseconds. */
const LINE_EVERY = 5_000;

const BEGINS: Readonly<Record<StartPhase, string>> = {
  verify: "verifying the journal",
  replay: "replaying the journal",
};
const ENDS: Readonly<Record<StartPhase, string>> = {
  // Not that it is whole: what is damaged the replay finds, and knows whether it counts.
  verify: "the journal is verified",
  replay: "the journal is replayed",
};

const mebibytes = (bytes: number): number => Math.round((bytes / 2 ** 20) * 10) / 10;

/** Lines in a log. `now` is of a clock in milliseconds that does not step. */
export const logProgress = (log: Log, now: () => number): StartProgress => {
  let text = "";
  let total = 0;
  let due = 0;
  return {
    begin: (phase, bytes) => {
      text = BEGINS[phase];
      total = bytes;
      due = now() + LINE_EVERY;
      log.info({ megabytes: mebibytes(bytes) }, text);
    },
    advance: (bytes) => {
      if (now() < due) return;
      due = now() + LINE_EVERY;
      const percent = total === 0 ? 100 : Math.floor((bytes / total) * 100);
      log.info({ percent, megabytes: mebibytes(bytes), of: mebibytes(total) }, text);
    },
    end: (phase, { bytes, ...figures }, seconds) => {
      const fields = { ...figures, megabytes: mebibytes(bytes), seconds: Math.round(seconds * 1_000) / 1_000 };
      log.info(fields, ENDS[phase]);
    },
    abort: () => {},
  };
};
