/** Lines of standard input, or a file, each of which is one message; an empty one too. */
import { whyUnreadable } from "../main/unreadable.js";
import { MAX_MESSAGE_BYTES } from "../protocol/limits.js";
import { LineSplitter, LineTooLong } from "./line-splitter.js";

class Unreadable extends Error {
  override readonly name = "Unreadable";

  constructor(cause: unknown) {
    super("the input cannot be read", { cause });
  }
}

/**
 * Calls `take` with each line, one after another: what it promises is waited for. Resolves at the end, or at the signal: with why, if it could not go on.
 * `name`: of the input.
 */
export const eachLine = async (
  input: AsyncIterable<Buffer>,
  stopping: AbortSignal,
  take: (line: Buffer) => Promise<void> | undefined,
  name = "standard input",
): Promise<string | undefined> => {
  const lines = new LineSplitter(MAX_MESSAGE_BYTES);
  try {
    for await (const chunk of until(input, stopping)) {
      for (const line of lines.push(chunk)) {
        const taken = take(line);
        if (taken !== undefined) await taken;
      }
    }
    const last = stopping.aborted ? undefined : lines.end();
    if (last !== undefined) await take(last);
    return undefined;
  } catch (error) {
    if (error instanceof LineTooLong) return `${error.message}: neither it nor what is behind it was published`;
    if (error instanceof Unreadable) return `${name} cannot be read: ${whyUnreadable(error.cause)}`;
    throw error;
  }
};

/** The input, up to its end or the signal. What is read when that comes is dropped. */
async function* until(input: AsyncIterable<Buffer>, signal: AbortSignal): AsyncGenerator<Buffer, void, void> {
  const iterator = input[Symbol.asyncIterator]();
  while (!signal.aborted) {
    const next = await beforeAbort(iterator.next(), signal).catch((error: unknown) => {
      throw new Unreadable(error);
    });
    if (next === undefined || next.done === true) return;
    yield next.value;
  }
}

/** Undefined: the signal came first. Not Promise.race, with which the signal would hold everything that was ever read. */
const beforeAbort = <T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> =>
  new Promise((resolve, reject) => {
    const abort = (): void => resolve(undefined);
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
