/**
 * Calls what a program has handed over to be told something.
 */
import { reasonOf } from "./argument-checks.js";

/**
 * Calls the program in a microtask, and not while a frame is read. `name` is what it has handed over. What it throws, or
 * rejects with, is printed: no promise could reject with it, and it must end neither the connection nor the program.
 */
export const callLater = (name: string, call: () => unknown): void =>
  queueMicrotask(async () => {
    try {
      await call();
    } catch (error) {
      print(`ringmq: ${name} failed:`, error);
    }
  });

const print = (what: string, error: unknown): void => {
  try {
    console.error(what, error);
  } catch {
    // The thrown value throws again when it is inspected.
    console.error(what, reasonOf(error));
  }
};
