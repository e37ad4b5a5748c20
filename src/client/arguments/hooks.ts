/**
 * Calls the functions that a program hands over to be told of things.
 */
import { reasonOf } from "./argument-checks.js";

/**
 * Calls the program, in a microtask and not while a frame is read. Its errors must not end the connection: they are printed
 * behind `name`.
 */
export const callLater = (name: string, call: () => unknown): void =>
  queueMicrotask(async () => {
    try {
      await call();
    } catch (error) {
      print(`ringmq: ${name} failed:`, error);
    }
  });

/** No promise could reject with this error, and it should not end the program. */
export const print = (what: string, error: unknown): void => {
  try {
    console.error(what, error);
  } catch {
    // The thrown value throws again when it is inspected.
    console.error(what, reasonOf(error));
  }
};
