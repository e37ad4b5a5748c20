/** The options of what is done with dead letters. */
import type { Headers } from "../../protocol/headers.js";
import type { StoredMessage } from "../consume/stored-message.js";

export interface DeadLetterListOptions {
  /** Dead letters to pass over, the oldest first. Default 0. */
  readonly offset?: number | undefined;
  /** The most to show, at most 1,000. Default 100. */
  readonly max?: number | undefined;
}

export interface DeadLetterGroupOptions {
  /** The most groups to tell of, at most 1,000. Default 100. */
  readonly max?: number | undefined;
}

export interface DeadLetterEditOptions {
  /** Default: those of the dead letter. */
  readonly headers?: Headers | undefined;
}

/** Which dead letters are meant: exactly one of `ids`, `reason`, `filter` and `all: true` is named. */
export interface DeadLetterChoice {
  /** Those with these ids, in decimal. */
  readonly ids?: string | readonly string[] | undefined;
  /** Those whose `lastReason` begins so. */
  readonly reason?: string | undefined;
  /** Those for which it answers true. What it throws, the promise rejects with. */
  readonly filter?: ((message: StoredMessage) => boolean) | undefined;
  /** All that there are when it begins. */
  readonly all?: boolean | undefined;
  /** Only tells what would be done. Default false. */
  readonly dryRun?: boolean | undefined;
}

export interface DeadLetterRedriveOptions extends DeadLetterChoice {
  /** Messages a second, at most. Default: as fast as it goes. */
  readonly rate?: number | undefined;
  /** Stops it when it is aborted; the promise resolves with what was done until then. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Called after each step, with how many of the chosen ones it has come to, and how many were chosen. What it throws, the
   * promise rejects with; nothing more is re-driven then.
   */
  readonly onProgress?: ((done: number, chosen: number) => void) | undefined;
}
