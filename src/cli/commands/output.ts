/** Standard output, no faster than it is read. */
import { escapeControls } from "../../main/data/control-characters.js";

const CLOSED = new Set(["EPIPE", "ERR_STREAM_DESTROYED"]);

/** Whoever has read standard output has closed it. */
export const isClosedOutput = (error: unknown): boolean =>
  error instanceof Error && "code" in error && CLOSED.has(String(error.code));

let isWatched = false;

/** Resolves when the system has taken it. Rejects when it does not, as `isClosedOutput` says. */
export const write = (chunk: string | Uint8Array): Promise<void> => {
  const { stdout } = process;
  // Each write is told of its own failure.
  if (!isWatched) stdout.on("error", () => {});
  isWatched = true;
  return new Promise((resolve, reject) => {
    stdout.write(chunk, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
};

export const writeJson = (...values: readonly unknown[]): Promise<void> =>
  write(values.map((value) => `${JSON.stringify(value)}\n`).join(""));

/** A name for people: whoever chose it must not control the terminal. */
export const shownName = (name: string): string => escapeControls(name, "");
