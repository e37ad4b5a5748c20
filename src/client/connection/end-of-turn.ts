/**
 * The end of a turn of the event loop, when the requests of the turn are sent together.
 *
 * A microtask would be too early: a program that awaits between two calls continues in microtasks, so a loop over
 * buffered messages would send its acks one at a time.
 */
import { Fifo } from "../../collections/fifo.js";

/** Runs tasks, each once, after the microtasks of this turn. */
export type Schedule = (task: () => void) => void;

/** For browsers, which have no setImmediate: a message to oneself is the fastest way to the next turn. */
const throughChannel = (): Schedule => {
  const { port1, port2 } = new MessageChannel();
  const tasks = new Fifo<() => void>();
  port1.addEventListener("message", () => tasks.shift()?.());
  port1.start();
  return (task) => {
    tasks.push(task);
    port2.postMessage(0);
  };
};

export const atEndOfTurn: Schedule = typeof setImmediate === "function" ? setImmediate : throughChannel();
