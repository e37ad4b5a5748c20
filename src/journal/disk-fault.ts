/** Faults of a disk. A failed sync is the one that must not be retried. */

/** What a disk answers, as opposed to a mistake of the program. */
export const isDiskFault = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && "code" in error && typeof error.code === "string";

/** Of the disk; of the user's quota. */
const OUT_OF_SPACE: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT"]);

export const isOutOfSpace = ({ code }: NodeJS.ErrnoException): boolean => OUT_OF_SPACE.has(code ?? "");

/** Of the process; of the machine. */
const OUT_OF_DESCRIPTORS: ReadonlySet<string> = new Set(["EMFILE", "ENFILE"]);

/** No file can be opened now. It passes when others are closed; what is open already goes on. */
export const isOutOfDescriptors = ({ code }: { readonly code?: string | undefined }): boolean =>
  OUT_OF_DESCRIPTORS.has(code ?? "");

/** A sync has failed. The kernel may have dropped what it could not write, so trying again proves nothing. */
export class SyncError extends Error {
  override readonly name = "SyncError";

  constructor(
    message: string,
    /** Of the system: EIO. */
    readonly code: string,
  ) {
    super(message);
  }
}

/**
 * Runs a sync; throws a `SyncError` if it has failed. A directory has to be opened for it: where that fails, for want of
 * descriptors above all, nothing was synced and nothing is forgotten, and the fault is thrown as it is.
 */
export const synced = (sync: () => void): void => {
  try {
    sync();
  } catch (error) {
    if (!isDiskFault(error)) throw error;
    if (error.syscall === "open") throw error;
    throw new SyncError(error.message, error.code ?? "");
  }
};
