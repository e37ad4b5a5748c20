/** Dead letters by why they are dead. */
import type { DeathReason, StoredMessage } from "../consume/stored-message.js";

/** Dead letters that have died for the same reason. */
export interface DeadLetterGroup {
  readonly deadReason: DeathReason | undefined;
  /** Their `lastReason`. */
  readonly reason: string;
  readonly count: number;
  /** When the first and the last of them died: milliseconds since 1970. */
  readonly first: number;
  readonly last: number;
  /** The one that died last. */
  readonly example: StoredMessage;
}

/** Gathers dead letters, in any order. */
export class ReasonGroups {
  readonly #groups = new Map<string, DeadLetterGroup>();

  add(message: StoredMessage): void {
    const { deadReason, time, lastReason: reason } = message;
    const key = `${deadReason} ${reason}`;
    const known = this.#groups.get(key);
    this.#groups.set(key, {
      deadReason,
      reason,
      count: (known?.count ?? 0) + 1,
      first: Math.min(known?.first ?? time, time),
      last: Math.max(known?.last ?? time, time),
      example: known === undefined || time >= known.last ? message : known.example,
    });
  }

  /** Those with the most messages first. */
  get list(): DeadLetterGroup[] {
    return [...this.#groups.values()].sort((a, b) => b.count - a.count || b.last - a.last);
  }
}
