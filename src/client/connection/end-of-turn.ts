/**
 * The end of a turn of the event loop: where what was asked for during the turn is sent together.
 *
 * A microtask would be too early. A program that awaits between two calls goes on in microtasks, so a loop over
 * messages that have come already would send its acks one at a time.
 */

import { Fifo } from "../../collections/fifo.js";

/** Runs tasks, each once, after the microtasks of this turn. */
export type Schedule = (task: () => void) => void;

/** Browsers have no setImmediate; a message to oneself is their shortest way to a next turn. */
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
