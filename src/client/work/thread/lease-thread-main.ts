/**
 * The lease thread: keeps the leases of messages that the workers of this process have in hand, whatever their handlers do to
 * the event loop of their own thread.
 */
import { parentPort } from "node:worker_threads";
import { RingmqError } from "../../base/error.js";
import { startTimer, type Timer } from "../../base/timer.js";
import type { SelectionList } from "../../consume/selection-list.js";
import type { Settlement } from "../../consume/settle-result.js";
import { LeaseKeeper } from "../lease-keeper.js";
import { LeaseTable } from "../lease-table.js";
import type { LeaseOrder, LeaseReport } from "./thread-messages.js";
import { TouchLink } from "./touch-link.js";

/** How often rows are looked at: so many times in a TTR, and in a handler's time; and in these limits. Milliseconds. */
const LOOKS_PER_TTR = 12;
const LOOKS_PER_TIMEOUT = 8;
const MIN_INTERVAL = 5;
const MAX_INTERVAL = 1000;

/** Looks at empty rows, one after the other, before nobody looks any more until something is in hand again. */
const EMPTY_LOOKS = 16;

/** The workers' clock is asked for at most so often, until an answer is this quick. Milliseconds. */
const QUESTIONS = 5;
const QUICK = 5;

const port = parentPort;
if (port === null) throw new Error("this file runs in a thread of its own");

const tell = (report: LeaseReport): void => port.postMessage(report);

/** What to add to this thread's clock for the workers': not every runtime has a clock that threads share. */
let offset = 0;
let questions = 0;
let quickest = Number.POSITIVE_INFINITY;
let sent = 0;

const askTime = (): void => {
  questions++;
  sent = performance.now();
  tell({ kind: "time?" });
};

/** The answer is taken to be of the middle of the time that it took. */
const hearTime = (time: number): void => {
  const now = performance.now();
  const took = now - sent;
  if (took < quickest) {
    quickest = took;
    offset = time - (sent + now) / 2;
  }
  if (took > QUICK && questions < QUESTIONS) askTime();
  else tell({ kind: "ready" });
};

/** The workers' clock. */
const clock = (): number => performance.now() + offset;

/** When the event loop of the workers was asked whether it turns, and has not answered since. */
let asked: number | undefined;

const ask = (now: number): void => {
  if (asked !== undefined) return;
  asked = now;
  tell({ kind: "ask" });
};

const links = new Map<string, TouchLink>();

const linkTo = (target: Extract<LeaseOrder, { kind: "line" }>["target"]): [string, TouchLink] => {
  const key = JSON.stringify(target);
  const link = links.get(key) ?? new TouchLink(target);
  links.set(key, link);
  link.lines++;
  return [key, link];
};

const leave = (key: string): void => {
  const link = links.get(key);
  if (link === undefined || --link.lines > 0) return;
  links.delete(key);
  link.close();
};

const isRefusal = (error: unknown): boolean => error instanceof RingmqError && error.code === "TOO_MANY_CONNECTIONS";

/** The rows of a worker, and when they are looked at. */
class Watch {
  readonly #worker: number;
  readonly #table: LeaseTable;
  readonly #keeper: LeaseKeeper;
  readonly #timeout: number;
  /** The links of its lines. */
  readonly #keys = new Map<number, string>();
  #interval = MAX_INTERVAL;
  #emptyLooks = 0;
  #timer: Timer | undefined;

  constructor({ worker, memory, timeout }: Extract<LeaseOrder, { kind: "begin" }>) {
    this.#worker = worker;
    this.#table = LeaseTable.over(memory);
    this.#timeout = timeout;
    this.#keeper = new LeaseKeeper(this.#table, timeout, (row, ticket, code) =>
      tell({ kind: "lost", worker, row, ticket, code }),
    );
    this.#measure();
  }

  addLine({ line, target, topic, queue, ttr }: Extract<LeaseOrder, { kind: "line" }>): void {
    const [key, link] = linkTo(target);
    this.#keys.set(line, key);
    const touch = async (selections: SelectionList): Promise<Settlement> => {
      const now = clock();
      ask(now);
      try {
        return await link.touch(topic, queue, ttr, selections, now);
      } catch (error) {
        if (isRefusal(error)) tell({ kind: "refused", worker: this.#worker });
        throw error;
      }
    };
    this.#keeper.lines.set(line, { ttr, touch });
    this.#measure();
  }

  removeLine(line: number): void {
    const key = this.#keys.get(line);
    if (key === undefined) return;
    this.#keys.delete(line);
    this.#keeper.lines.delete(line);
    this.#measure();
    leave(key);
  }

  /** Something is in hand. */
  begin(): void {
    this.#emptyLooks = 0;
    this.#timer ??= startTimer(0, this.#look);
  }

  end(): void {
    this.#timer?.cancel();
    for (const line of [...this.#keys.keys()]) this.removeLine(line);
  }

  #measure(): void {
    const times = [this.#timeout / LOOKS_PER_TIMEOUT];
    for (const { ttr } of this.#keeper.lines.values()) times.push(ttr / LOOKS_PER_TTR);
    this.#interval = Math.max(MIN_INTERVAL, Math.min(...times, MAX_INTERVAL));
  }

  readonly #look = (): void => {
    const now = clock();
    const blocked = asked === undefined ? 0 : now - asked;
    let next = this.#keeper.look(now, blocked);
    if (next < Number.POSITIVE_INFINITY) this.#emptyLooks = 0;
    else if (++this.#emptyLooks >= EMPTY_LOOKS) {
      this.#table.isWatched = false;
      next = this.#keeper.look(now, blocked);
      if (next === Number.POSITIVE_INFINITY) {
        this.#timer = undefined;
        return;
      }
      this.#table.isWatched = true;
    }
    const wait = Math.max(MIN_INTERVAL, Math.min(next - now, this.#interval));
    this.#timer = startTimer(wait, this.#look);
  };
}

const watches = new Map<number, Watch>();

setInterval(() => {
  for (const link of links.values()) link.rest(clock());
}, MAX_INTERVAL).unref();

port.on("message", (order: LeaseOrder) => {
  switch (order.kind) {
    case "time":
      return hearTime(order.now);
    case "begin":
      watches.set(order.worker, new Watch(order));
      return;
    case "end":
      watches.get(order.worker)?.end();
      watches.delete(order.worker);
      return;
    case "line":
      return watches.get(order.worker)?.addLine(order);
    case "line-ended":
      return watches.get(order.worker)?.removeLine(order.line);
    case "watch":
      return watches.get(order.worker)?.begin();
    case "turned":
      asked = undefined;
  }
});

askTime();
