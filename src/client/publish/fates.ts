/** What became of the messages of a frame, one after the other, where some were taken and others refused. */
import { ProtocolError } from "../../protocol/errors.js";
import { brokerError, type RingmqError } from "../base/error.js";
import { Receipt } from "./receipt.js";

export type Fate = Receipt | RingmqError;

/** `[messages, id high, id low, flags of a CONFIRM]`, or `[messages, code, text]`. */
type Run = readonly [messages: number, first: number, second: number | string, flags?: number];

const isRun = (value: unknown): value is Run =>
  Array.isArray(value) &&
  Number.isInteger(value[0]) &&
  typeof value[1] === "number" &&
  (typeof value[2] === "string" || (typeof value[2] === "number" && typeof value[3] === "number"));

export class Fates {
  readonly runs: readonly Run[];
  #run = 0;
  /** Messages of the run that have been told theirs. */
  #told = 0;

  /** Reads the RESULT of PUBLISH about so many messages. */
  constructor(value: unknown, count: number) {
    const runs: readonly unknown[] = Array.isArray(value) ? value : [];
    this.runs = runs.filter(isRun);
    const sum = this.runs.reduce((all, [messages]) => all + messages, 0);
    if (this.runs.length !== runs.length || sum !== count) {
      throw new ProtocolError("BAD_FRAME", `the answer to ${count} messages cannot be understood`);
    }
  }

  /** Of the next message. */
  next(): Fate {
    const run = this.runs[this.#run];
    if (run === undefined) throw new Error("there are no more messages");
    const [messages, first, second, flags = 0] = run;
    const at = this.#told++;
    if (this.#told === messages) {
      this.#run++;
      this.#told = 0;
    }
    return typeof second === "string" ? brokerError(first, second) : new Receipt(first, (second + at) | 0, flags);
  }
}
