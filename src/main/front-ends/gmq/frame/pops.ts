/**
 * The pops of one client. Those that were sent ahead for the same topics are one request to a shard, for as many messages.
 * Each topic is asked in its turn without waiting; then all of them are waited for at once.
 */

import { Fifo } from "../../../../collections/fifo.js";
import { Answer } from "../../../../protocol/op.js";
import type { AnswerFrame } from "../../../native/answer-frame.js";
import { refusal, refusalMessage } from "../../../native/answer-reading.js";
import type { Session } from "../../../native/session.js";
import { type Answers, MESSAGE, type Place } from "./answers.js";
import type { FrameContext } from "./frame-context.js";
import { Handover, type Takers } from "./handover.js";
import type { Surplus, Waiter } from "./surplus.js";

/** How long a pop waits, in milliseconds. */
const WAIT = 3_000;

/**
 * How long one request waits where there are several topics. A wait cannot be called off: what it brings when the pop has
 * been answered by another topic is surplus, unless there is another pop by then.
 */
const SHORT_WAIT = 250;

/** A wait that ends so much earlier has not waited: the client has closed its side. */
const EARLY = 50;

/** Pops that are sent ahead. */
const MAX_POPS = 512;

const NOTHING = "nothing";

export class Pops implements Takers, Waiter {
  readonly #session: Session;
  readonly #answers: Answers;
  readonly #handover: Handover;
  readonly #surplus: Surplus;
  readonly #onResolved: () => void;
  readonly #places = new Fifo<Place>();
  /** What all of them want. */
  #topics: readonly string[] = [];
  /** Topics are being asked in turn. */
  #isAsking = false;
  /** All are waited for: ends the hold. */
  #release: (() => void) | undefined;
  /** When the first pop is answered that there is nothing. */
  #deadline = 0;
  /** Topics for which a request waits. */
  readonly #awaited = new Set<string>();
  /** Pops that have a message which is still to be settled. */
  #unsettled = 0;

  /** `onResolved` is called when all pops have been answered. */
  constructor(session: Session, answers: Answers, context: FrameContext, onResolved: () => void) {
    this.#session = session;
    this.#answers = answers;
    this.#handover = new Handover(session, answers, context);
    this.#surplus = context.surplus;
    this.#onResolved = onResolved;
  }

  /** No pop is unanswered. */
  get areResolved(): boolean {
    return this.#places.length === 0 && this.#unsettled === 0 && !this.#isAsking;
  }

  /** More of them may be added before they are asked for. */
  get areGathering(): boolean {
    return this.#places.length > 0 && !this.#isAsking && this.#release === undefined;
  }

  /** Whether a pop may join those that are unanswered. */
  takes(topics: readonly string[]): boolean {
    if (this.areResolved) return true;
    if (this.#places.length >= MAX_POPS || topics.length !== this.#topics.length) return false;
    return topics === this.#topics || topics.every((topic, i) => topic === this.#topics[i]);
  }

  add(place: Place, topics: readonly string[]): void {
    if (this.areResolved) this.#topics = topics;
    this.#places.push(place);
  }

  /** Asks for what was added. */
  start(): void {
    if (this.areGathering) this.#ask(0);
  }

  // Takers.

  next(): Place | undefined {
    return this.#places.shift();
  }

  again(place: Place): void {
    this.#places.push(place);
  }

  settled(): void {
    this.#unsettled--;
    // Those that wait again are asked for when all of their kind are settled.
    if (this.#unsettled === 0) this.#goOn();
  }

  // Waiter.

  accept(topic: string, frame: AnswerFrame): boolean {
    if (this.#release === undefined || this.#places.length === 0 || !this.#session.isOpen) return false;
    this.#waited(this.#take(topic, frame), frame, false);
    return true;
  }

  /** Asks the topic of this number, and behind it the next ones, for what they have. */
  #ask(number: number): void {
    const topic = this.#topics[number];
    if (topic === undefined || this.#places.length === 0) {
      this.#isAsking = false;
      // What came while the shards were asked.
      for (const each of this.#topics) this.#takeKept(each);
      if (this.#places.length > 0) this.#wait();
      else this.#goOn();
      return;
    }
    this.#isAsking = true;
    this.#takeKept(topic);
    if (this.#places.length === 0) return this.#ask(number);
    this.#session.pop(topic, "", { max: this.#places.length }, (frame) => {
      const taken = this.#take(topic, frame);
      if (taken < 0) this.#refuseAll(frame);
      // There may be more of it: an answer has a limit.
      this.#ask(taken > 0 ? number : number + 1);
    });
  }

  /** Messages of the topic that other clients did not need. */
  #takeKept(topic: string): void {
    while (this.#places.length > 0) {
      const kept = this.#surplus.take(topic);
      if (kept === undefined) return;
      this.#take(topic, kept);
    }
  }

  /** How many pops got a message; less than 0: it is an error. */
  #take(topic: string, frame: AnswerFrame): number {
    if (frame.op !== Answer.MESSAGES) return isEmpty(frame) ? 0 : -1;
    if (frame.payloadStart === frame.payloadEnd) return 0;
    if (this.#places.length === 0 || !this.#topics.includes(topic)) {
      this.#surplus.add(topic, frame, this.#session);
      return 0;
    }
    const { taken, unsettled } = this.#handover.take(frame, topic, this);
    this.#unsettled += unsettled;
    return taken;
  }

  #refuseAll(frame: AnswerFrame): void {
    const text = refusalMessage(frame);
    for (const place of this.#places.takeAll()) this.#answers.refuse(place, text);
  }

  #wait(): void {
    this.#release = this.#session.hold();
    this.#deadline = performance.now() + WAIT;
    this.#surplus.wait(this.#topics, this);
    this.#waitOn();
  }

  #waitOn(): void {
    const left = Math.ceil(this.#deadline - performance.now());
    if (left <= 0) return this.#giveUp();
    const isOne = this.#topics.length === 1;
    for (const topic of this.#topics) {
      if (this.#awaited.has(topic)) continue;
      this.#awaited.add(topic);
      this.#surplus.waitBegins(topic);
      const wait = isOne ? left : Math.min(left, SHORT_WAIT);
      const until = performance.now() + wait;
      const max = isOne ? this.#places.length : 1;
      this.#session.pop(topic, "", { max, wait, isApart: true }, (frame) => {
        this.#awaited.delete(topic);
        const taken = this.#take(topic, frame);
        this.#surplus.waitEnds(topic);
        // It may have waited for pops that are over.
        if (this.#topics.includes(topic)) this.#waited(taken, frame, performance.now() < until - EARLY);
      });
    }
  }

  /** A request that waited is answered. */
  #waited(taken: number, frame: AnswerFrame, isEarly: boolean): void {
    if (this.#release === undefined) return;
    if (taken < 0) this.#refuseAll(frame);
    if (taken !== 0) return this.#stopWaiting();
    if (isEarly) return this.#giveUp();
    this.#waitOn();
  }

  /** There is nothing for the first pop. */
  #giveUp(): void {
    const place = this.#places.shift();
    if (place !== undefined) this.#answers.give(place, MESSAGE, NOTHING);
    this.#stopWaiting();
  }

  #stopWaiting(): void {
    const release = this.#release;
    this.#release = undefined;
    this.#surplus.stopWaiting(this.#topics, this);
    this.#goOn();
    release?.();
  }

  #goOn(): void {
    if (this.areGathering && this.#unsettled === 0) this.#ask(0);
    else if (this.areResolved) this.#onResolved();
  }
}

/** A topic that nobody has used has nothing. */
const isEmpty = (frame: AnswerFrame): boolean => {
  const name = refusal(frame);
  return name === "NO_TOPIC" || name === "NO_QUEUE";
};
