/**
 * Messages that came for a pop which another topic had answered by then. A wait cannot be called off, and a message that is
 * given back would go to the next wait that nobody needs any more, again and again. So it goes to another client that waits
 * for its topic, or is kept until one asks or until no wait is left that could take it. Whoever begins to wait has asked
 * before, so what is kept is not kept for longer than waits last.
 */
import { type AnswerFrame, answerBytes, copyAnswer } from "../../../native/answer-frame.js";
import type { Session } from "../../../native/session.js";
import { giveBack } from "./leases.js";
import { readJobs } from "./popped-jobs.js";

/** Messages kept, and the longest of them: 32 MiB in all. */
const MAX_KEPT = 512;
const MAX_BYTES = 64 * 1024;

/** A client that waits for messages of some topics. */
export interface Waiter {
  /** Takes a message of one of them. False: it does not need it any more. */
  accept(topic: string, frame: AnswerFrame): boolean;
}

interface Kept {
  readonly frame: AnswerFrame;
  /** That of the client which brought it. */
  readonly session: Session;
}

export class Surplus {
  readonly #waiters = new Map<string, Set<Waiter>>();
  readonly #kept = new Map<string, Set<Kept>>();
  /** Requests that wait, by topic, needed or not. */
  readonly #waits = new Map<string, number>();
  /** By which messages are given back when those that brought them have gone. */
  readonly #sessions = new Set<Session>();
  #count = 0;

  opened(session: Session): void {
    this.#sessions.add(session);
  }

  closed(session: Session): void {
    this.#sessions.delete(session);
  }

  wait(topics: readonly string[], waiter: Waiter): void {
    for (const topic of topics) add(this.#waiters, topic, waiter);
  }

  stopWaiting(topics: readonly string[], waiter: Waiter): void {
    for (const topic of topics) remove(this.#waiters, topic, waiter);
  }

  /** A request waits for messages of the topic. */
  waitBegins(topic: string): void {
    this.#waits.set(topic, (this.#waits.get(topic) ?? 0) + 1);
  }

  /** It is answered, and what it brought is settled or added here. */
  waitEnds(topic: string): void {
    const left = (this.#waits.get(topic) ?? 1) - 1;
    if (left > 0) return void this.#waits.set(topic, left);
    this.#waits.delete(topic);
    for (const kept of this.#kept.get(topic) ?? []) this.#giveBack(topic, kept);
  }

  /** A MESSAGES that the client of `session` does not need. */
  add(topic: string, frame: AnswerFrame, session: Session): void {
    for (const waiter of this.#waiters.get(topic) ?? []) if (waiter.accept(topic, frame)) return;
    const jobs = readJobs(frame, topic);
    const isLeased = jobs.every(({ delivery }) => delivery !== 0);
    if (!isLeased || !this.#waits.has(topic) || this.#count >= MAX_KEPT || answerBytes(frame) > MAX_BYTES) {
      return giveBack(session, topic, jobs, frame);
    }
    add(this.#kept, topic, { frame: copyAnswer(frame), session });
    this.#count++;
  }

  /** Messages of the topic that are kept; they are the caller's. */
  take(topic: string): AnswerFrame | undefined {
    const kept = this.#kept.get(topic)?.values().next().value;
    if (kept !== undefined) this.#forget(topic, kept);
    return kept?.frame;
  }

  #giveBack(topic: string, kept: Kept): void {
    this.#forget(topic, kept);
    const { frame } = kept;
    // Without any session its lease has to end by itself.
    const session = kept.session.isOpen ? kept.session : [...this.#sessions].find(({ isOpen }) => isOpen);
    if (session !== undefined) giveBack(session, topic, readJobs(frame, topic), frame);
  }

  #forget(topic: string, kept: Kept): void {
    remove(this.#kept, topic, kept);
    this.#count--;
  }
}

const add = <T>(sets: Map<string, Set<T>>, topic: string, one: T): void => {
  const set = sets.get(topic);
  if (set === undefined) sets.set(topic, new Set([one]));
  else set.add(one);
};

const remove = <T>(sets: Map<string, Set<T>>, topic: string, one: T): void => {
  const set = sets.get(topic);
  set?.delete(one);
  if (set?.size === 0) sets.delete(topic);
};
