/** What signals do to a client. */

/** Exit code after a second signal, as of a program that SIGINT has ended. */
export const INTERRUPTED = 130;

/** The first signal ends in order, the second does not wait: `leaving` is called before. */
export const stopOnSignals = (leaving: () => void = () => {}): AbortSignal => {
  const stopping = new AbortController();
  const stop = (): void => {
    if (stopping.signal.aborted) {
      leaving();
      process.exit(INTERRUPTED);
    }
    stopping.abort();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  return stopping.signal;
};
