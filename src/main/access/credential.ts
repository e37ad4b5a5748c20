/** What somebody has shown to be a user: one for all that show the same token or certificate. */
import type { User } from "./user.js";

export class Credential {
  /** It is no longer in the table, or its user may no longer do all that it might when it was shown. */
  isRevoked = false;

  constructor(
    readonly user: User,
    /** Milliseconds since 1970. */
    public expires = Number.POSITIVE_INFINITY,
  ) {}

  /** Whoever has shown it has to go. `now`: milliseconds since 1970. */
  isOver(now: number): boolean {
    return this.isRevoked || now >= this.expires;
  }
}
