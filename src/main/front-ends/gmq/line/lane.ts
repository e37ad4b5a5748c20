/**
 * A lane: the pops and acks that a client sends for one queue, one behind the other. Those that have come together are few
 * requests, an ACK for all acks and a POP for as many messages as there are pops, and are answered in the order in which
 * they came. Pops ask first for what is there, so that more can be under way, and wait when that was not enough.
 */
import { packHead } from "../../../../protocol/head.js";
import { DEFAULT_KEY, MAX_POP_WAIT } from "../../../../protocol/limits.js";
import { Answer, Op } from "../../../../protocol/op.js";
import { SELECTION_BYTES, writeSelection } from "../../../../protocol/selection.js";
import type { AnswerFrame } from "../../../native/answer-frame.js";
import { eachMessage, refusal } from "../../../native/answer-reading.js";
import { readAcks } from "../ack-fates.js";
import { popRefusal } from "../pop-ack.js";
import { NO_MESSAGE } from "../words.js";
import type { LineClient } from "./client.js";
import { type Fault, faultText, type Generation } from "./errors.js";
import { LaneLines } from "./lane-lines.js";
import { Acks, LanePlan } from "./lane-plan.js";
import { ResponseType } from "./responses.js";

/** Pops and acks of one request. */
const MAX_POPS = 512;
const MAX_ACKS = 1000;
/** POPs and ACKs under way: more are held back by not reading on. */
const MAX_POPPING = 8;
const MAX_ACKING = 64;

/** Milliseconds between signs of life while a pop waits. */
const HEARTBEAT = 5000;
/** A wait that was shorter than the longest by more than this did not end by itself. */
const WAIT_SLACK = 5000;

/** Which queue, and in which form. */
export interface LaneName {
  readonly topic: string;
  readonly bindKey: string;
  readonly generation: Generation;
}

/** Of all clients: a request's payload is the caller's again at once. */
const selections = Buffer.alloc(MAX_ACKS * SELECTION_BYTES);
const selectionView = new DataView(selections.buffer, selections.byteOffset, selections.length);

export class Lane {
  readonly #client: LineClient;
  readonly #name: LaneName;
  readonly #lines: LaneLines;
  readonly #plan = new LanePlan();
  readonly #ackHead: Uint8Array;
  /** Requests under way. */
  #popping = 0;
  #acking = 0;
  /** Pops for which there was no message. */
  #short = 0;
  #release: (() => void) | undefined;
  /** It is held until all is answered, not only until less is under way. */
  #isLeaving = false;

  /** `tail` is what its lines end with: the space before the topic, and all behind it. */
  constructor(client: LineClient, name: LaneName, tail: Uint8Array) {
    this.#client = client;
    this.#name = name;
    this.#lines = new LaneLines(tail);
    this.#ackHead = packHead([name.topic, name.bindKey]);
  }

  /** All is answered. */
  get isIdle(): boolean {
    return this.#plan.isEmpty;
  }

  get #isBusy(): boolean {
    return this.#popping >= MAX_POPPING || this.#acking >= MAX_ACKING;
  }

  /** Has nothing more carried out until all is answered. */
  holdUntilIdle(): void {
    this.#isLeaving = true;
    this.#hold();
  }

  #hold(): void {
    this.#release ??= this.#client.session.pause();
  }

  /** Carries out the commands of this lane that stand at `start`; answers where they end. */
  take(bytes: Buffer, start: number, end: number): number {
    if (this.#isBusy) {
      this.#hold();
      return start;
    }
    const plan = this.#plan;
    const lines = this.#lines;
    let at = start;
    let pops = 0;
    let acks = 0;
    while (pops < MAX_POPS && acks < MAX_ACKS) {
      let next = lines.popAt(bytes, at, end);
      if (next >= 0) {
        plan.add(1);
        pops++;
      } else {
        next = lines.ackAt(bytes, at, end);
        if (next < 0) break;
        plan.add(-1);
        writeSelection(selectionView, acks++ * SELECTION_BYTES, lines.idHigh, lines.idLow, 1, 0);
      }
      at = next;
    }
    plan.commit();
    if (acks > 0) this.#ack(acks);
    if (pops > 0) this.#pop(pops);
    return at;
  }

  /** One ack whose id is no number: there is no such message. */
  ackNothing(): void {
    this.#plan.add(-1);
    this.#plan.commit();
    writeSelection(selectionView, 0, 0, 0, 1, 0);
    this.#ack(1);
  }

  #ack(count: number): void {
    const ids = new Uint32Array(count * 2);
    for (let i = 0; i < count; i++) {
      ids[i * 2] = selectionView.getUint32(i * SELECTION_BYTES);
      ids[i * 2 + 1] = selectionView.getUint32(i * SELECTION_BYTES + 4);
    }
    const acks = new Acks(count, ids);
    this.#plan.expectAcks(acks);
    const payload = selections.subarray(0, count * SELECTION_BYTES);
    this.#acking++;
    this.#client.session.request(Op.ACK, 0, this.#ackHead, payload, (frame) => {
      this.#acking--;
      acks.answers = readAcks(frame, this.#name.bindKey, acks.ids);
      this.#drain();
      this.#done();
    });
  }

  #pop(count: number): void {
    const { topic, bindKey } = this.#name;
    this.#popping++;
    this.#client.session.pop(topic, bindKey, { max: count }, (frame) => {
      this.#popping--;
      this.#popped(frame, count);
      this.#done();
    });
  }

  #popped(frame: AnswerFrame, count: number): void {
    const left = count - this.#show(frame);
    if (left === 0) return;
    const fault = frame.op === Answer.MESSAGES ? undefined : this.#faultOf(frame);
    if (fault !== undefined) return this.#failPops(left, fault);
    if (this.#name.generation === 3) this.#short += left;
    // The messages may have been large: there may be more.
    else if (left < count) this.#pop(left);
    else this.#failPops(left, { code: "E_INVALID_POP", text: NO_MESSAGE });
  }

  /** Answers pops with the messages of a frame; answers how many. */
  #show(frame: AnswerFrame): number {
    if (frame.op !== Answer.MESSAGES) return 0;
    const { responses } = this.#client;
    let count = 0;
    eachMessage(frame, (high, low, retry, start, end) => {
      count++;
      if (!this.#plan.takePop()) throw new Error("a message came for which there is no pop");
      responses.message(high, low, retry, frame.bytes, start, end);
      this.#drain();
    });
    return count;
  }

  /** Undefined: there is just nothing there. */
  #faultOf(frame: AnswerFrame): Fault | undefined {
    const text = popRefusal(frame, this.#name.bindKey);
    return text === NO_MESSAGE ? undefined : { code: "E_INVALID_POP", text };
  }

  #failPops(count: number, fault: Fault): void {
    const text = faultText(fault, this.#name.generation);
    for (let i = 0; i < count && this.#plan.takePop(); i++) {
      this.#client.responses.text(ResponseType.ERROR, text);
      this.#drain();
    }
  }

  #drain(): void {
    this.#plan.drainAcks(this.#onAck);
  }

  readonly #onAck = (text: string): void => {
    if (text === "") return this.#client.responses.ok();
    const { generation } = this.#name;
    this.#client.responses.text(ResponseType.ERROR, faultText({ code: "E_INVALID_ACK", text }, generation));
  };

  /** Sends what can be said now, and waits when that is all that is left to do. */
  #done(): void {
    this.#client.responses.flush();
    if (this.#short > 0 && this.#popping === 0) this.#wait();
    if (this.#isLeaving ? !this.isIdle : this.#isBusy) return;
    this.#isLeaving = false;
    this.#release?.();
    this.#release = undefined;
  }

  #wait(): void {
    const { session } = this.#client;
    const { topic, bindKey } = this.#name;
    const count = Math.min(this.#short, MAX_POPS);
    this.#short -= count;
    this.#popping++;
    const since = performance.now();
    session.heartbeat(HEARTBEAT, () => this.#client.say(ResponseType.PING, "ping"));
    session.pop(topic, bindKey || DEFAULT_KEY, { max: count, wait: MAX_POP_WAIT }, (frame) => {
      session.heartbeat(Number.POSITIVE_INFINITY, () => {});
      this.#popping--;
      this.#waited(frame, count, performance.now() - since > MAX_POP_WAIT - WAIT_SLACK);
      this.#done();
    });
  }

  #waited(frame: AnswerFrame, count: number, isAgain: boolean): void {
    if (refusal(frame) === "TOPIC_DELETED") {
      this.#failPops(1, { code: "E_INVALID_READ", text: "closed." });
      this.#client.responses.flush();
      this.#short = 0;
      return this.#client.session.end();
    }
    const shown = this.#show(frame);
    const left = count - shown;
    if (left === 0) return;
    const fault = frame.op === Answer.MESSAGES ? undefined : this.#faultOf(frame);
    if (fault !== undefined) this.#failPops(left, fault);
    else if (shown > 0 || isAgain) this.#short += left;
    // Its client has ended its side, so that nothing waits any longer.
    else this.#failPops(left, { code: "E_INVALID_POP", text: NO_MESSAGE });
  }
}
