/**
 * Something that the reader does to the broker: it takes a while, and may be refused.
 */
import { useSignal } from "@preact/signals";

export interface Action<A extends readonly unknown[]> {
  /** Resolves when it is over, and tells whether it has succeeded; never rejects. */
  readonly run: (...args: A) => Promise<boolean>;
  readonly isRunning: boolean;
  /** Why the last one has failed. */
  readonly error: Error | undefined;
  /** Forgets the failure. */
  readonly forget: () => void;
}

/** One at a time: another that is asked for meanwhile is not begun. */
export const useAction = <A extends readonly unknown[]>(act: (...args: A) => Promise<unknown>): Action<A> => {
  const isRunning = useSignal(false);
  const error = useSignal<Error | undefined>(undefined);
  const run = async (...args: A): Promise<boolean> => {
    if (isRunning.peek()) return false;
    isRunning.value = true;
    error.value = undefined;
    try {
      await act(...args);
      return true;
    } catch (reason) {
      error.value = reason instanceof Error ? reason : new Error(String(reason));
      return false;
    } finally {
      isRunning.value = false;
    }
  };
  const forget = (): void => {
    error.value = undefined;
  };
  return { run, isRunning: isRunning.value, error: error.value, forget };
};
