/** Faults of a disk. A failed sync is the one that must not be retried. */

/** An error of the system, as opposed to a bug. */
export const isDiskFault = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && "code" in error && typeof error.code === "string";

/** What is known of a fault that another thread may have met. Without a code it was none of the system. */
export interface Fault {
  readonly code?: string | undefined;
}

/** The disk is full; the user's quota is used up. */
const OUT_OF_SPACE: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT"]);

export const isOutOfSpace = ({ code }: Fault): boolean => OUT_OF_SPACE.has(code ?? "");

/**
 * The system's word, which a network file system says as well, for a name that leads nowhere or to something else than it
 * did: see home.ts.
 */
export const AWAY = "ESTALE";

/** The limit of the process; the limit of the machine. */
const OUT_OF_DESCRIPTORS: ReadonlySet<string> = new Set(["EMFILE", "ENFILE"]);

/** No file can be opened until others are closed. Open files work as before. */
export const isOutOfDescriptors = ({ code }: Fault): boolean => OUT_OF_DESCRIPTORS.has(code ?? "");

/** A sync has failed. The kernel may have dropped what it could not write, so a second sync would prove nothing. */
export class SyncError extends Error {
  override readonly name = "SyncError";

  constructor(
    message: string,
    /** The system's code, such as EIO. */
    readonly code: string,
  ) {
    super(message);
  }
}

/**
 * Runs a sync; throws a `SyncError` if it fails. To sync a directory it must be opened first. If that fails, mostly for
 * want of descriptors, or if its name leads elsewhere, nothing was synced and nothing dropped, and the error is thrown as
 * it is.
 */
export const synced = (sync: () => void): void => {
  try {
    sync();
  } catch (error) {
    if (!isDiskFault(error)) throw error;
    if (error.syscall === "open" || error.syscall === "stat") throw error;
    throw new SyncError(error.message, error.code ?? "");
  }
};
