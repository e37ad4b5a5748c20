/**
 * What a page asks the broker for again and again while somebody looks at it.
 */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

/** How often, unless the page says: milliseconds between an answer and the next question. */
const EVERY = 2_000;

/** A look may take this share of the time, at most: what takes long is asked for less often. */
const SHARE = 1 / 4;

export interface Polled<T> {
  /** The last answer; undefined: none has come. */
  readonly value: T | undefined;
  /** Why there is no newer answer. */
  readonly error: Error | undefined;
  /** Asks now: after something was changed. Resolves when it is answered; never rejects. */
  readonly reload: () => Promise<void>;
}

const untilShown = (): Promise<void> =>
  new Promise((resolve) => {
    if (!document.hidden) return resolve();
    const look = (): void => {
      if (document.hidden) return;
      document.removeEventListener("visibilitychange", look);
      resolve();
    };
    document.addEventListener("visibilitychange", look);
  });

/**
 * Calls `load` at once, and then every `every` milliseconds as long as the page is to be seen. `of` is what the answer is about, such as
 * the client and a name: when one of these changes, the last answer is forgotten.
 */
export const usePolled = <T>(load: () => Promise<T>, of: readonly unknown[], every = EVERY): Polled<T> => {
  const value = useSignal<T | undefined>(undefined);
  const error = useSignal<Error | undefined>(undefined);
  const latest = useRef(load);
  latest.current = load;
  const period = useRef(every);
  period.current = every;
  const ask = useRef<() => Promise<void>>(async () => {});
  useEffect(() => {
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let round = 0;
    value.value = undefined;
    error.value = undefined;
    const run = async (): Promise<void> => {
      clearTimeout(timer);
      round += 1;
      const own = round;
      const start = performance.now();
      const isLate = (): boolean => isOver || own !== round;
      try {
        const answer = await latest.current();
        if (isLate()) return;
        value.value = answer;
        error.value = undefined;
      } catch (reason) {
        if (isLate()) return;
        error.value = reason instanceof Error ? reason : new Error(String(reason));
      }
      const pause = Math.max(period.current, (performance.now() - start) * (1 / SHARE - 1));
      if (Number.isFinite(pause)) timer = setTimeout(() => void next(), pause);
    };
    const next = async (): Promise<void> => {
      const own = round;
      await untilShown();
      if (!isOver && own === round) await run();
    };
    ask.current = run;
    void run();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, of);
  return { value: value.value, error: error.value, reload: () => ask.current() };
};

/** The most rows that a page asks for: more than anybody reads, and what a browser holds with ease. */
const MOST_ROWS = 20_000;

export interface Rows<T> {
  readonly rows: readonly T[];
  /** There are more. */
  readonly isCut: boolean;
}

/** What a method of the client tells piece by piece, up to 20,000 of it. */
export const collect = async <T>(from: AsyncIterable<T>, most = MOST_ROWS): Promise<Rows<T>> => {
  const rows: T[] = [];
  for await (const row of from) {
    if (rows.length === most) return { rows, isCut: true };
    rows.push(row);
  }
  return { rows, isCut: false };
};
