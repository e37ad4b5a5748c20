/**
 * Reads a stream of answers and skips the bytes of messages: it reads only the header of each run, so that consuming
 * costs the load generator next to nothing per message.
 */
import { FLAGS, HEAD, HEAD_LENGTH, LENGTH, LENGTH_BYTES, OP, REQUEST } from "#protocol/frame.js";
import { Answer } from "#protocol/op.js";
import { BYTES, KEY, KEY_LENGTH } from "#protocol/run.js";

/** The fields of an answer's frame. */
export interface AnswerFields {
  readonly op: number;
  readonly flags: number;
  readonly request: number;
  readonly headBytes: number;
}

/** The fields of the frame that begins at `start`. */
export const answerFields = (view: DataView, start: number): AnswerFields => ({
  op: view.getUint8(start + OP),
  flags: view.getUint8(start + FLAGS),
  request: view.getUint32(start + REQUEST),
  headBytes: view.getUint16(start + HEAD_LENGTH),
});

/** Takes any answer but MESSAGES, during the call. [start, end) is its head and payload. */
export type OnAnswer = (answer: AnswerFields, view: DataView, start: number, end: number) => void;

/** Takes a run, whose header (src/protocol/run.ts) begins at `at`. */
export type OnRun = (request: number, view: DataView, at: number) => void;

/** Answers other than MESSAGES are a few receipts or faults. A longer one is an error. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

type Reading = "frame" | "run" | "answer";

export class AnswerScanner {
  #reading: Reading = "frame";
  /** Bytes of the part to read next. */
  #need = HEAD;
  /** Bytes to skip before it. */
  #skip = 0;
  /** The beginning of a part that continues in the next chunk. */
  #carry = new Uint8Array(4096);
  #carryView = new DataView(this.#carry.buffer);
  #have = 0;
  /** The fields of the frame that is being read. */
  readonly #answer = { op: 0, flags: 0, request: 0, headBytes: 0 };
  /** Bytes of a MESSAGES payload that are still to come. */
  #runs = 0;

  constructor(
    private readonly onAnswer: OnAnswer,
    private readonly onRun: OnRun = () => {
      throw new Error("messages came that nobody asked for");
    },
  ) {}

  push(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    let at = start;
    while (at < end) {
      if (this.#skip > 0) {
        const part = Math.min(this.#skip, end - at);
        this.#skip -= part;
        at += part;
      } else if (this.#have === 0 && end - at >= this.#need) {
        const part = at;
        at += this.#need;
        this.#read(view, part);
      } else {
        const part = Math.min(this.#need - this.#have, end - at);
        this.#carry.set(bytes.subarray(at, at + part), this.#have);
        this.#have += part;
        at += part;
        if (this.#have < this.#need) return;
        this.#have = 0;
        this.#read(this.#carryView, 0);
      }
    }
  }

  #read(view: DataView, at: number): void {
    switch (this.#reading) {
      case "frame":
        return this.#readFrame(view, at);
      case "run":
        return this.#readRun(view, at);
      case "answer": {
        const end = at + this.#need;
        this.#expect("frame", HEAD);
        this.onAnswer(this.#answer, view, at, end);
      }
    }
  }

  #readFrame(view: DataView, at: number): void {
    const rest = view.getUint32(at + LENGTH) + LENGTH_BYTES - HEAD;
    const answer = this.#answer;
    answer.op = view.getUint8(at + OP);
    answer.flags = view.getUint8(at + FLAGS);
    answer.request = view.getUint32(at + REQUEST);
    answer.headBytes = view.getUint16(at + HEAD_LENGTH);
    if (answer.op === Answer.MESSAGES) {
      this.#skip = answer.headBytes;
      this.#runs = rest - answer.headBytes;
      if (this.#runs > 0) this.#expect("run", KEY);
    } else if (rest === 0) {
      this.onAnswer(answer, view, at + HEAD, at + HEAD);
    } else {
      if (rest < 0 || rest > MAX_ANSWER_BYTES) throw new Error(`an answer of ${rest} bytes`);
      this.#expect("answer", rest);
    }
  }

  #readRun(view: DataView, at: number): void {
    const bytes = view.getUint8(at + KEY_LENGTH) + view.getUint32(at + BYTES);
    this.#skip = bytes;
    this.#runs -= KEY + bytes;
    if (this.#runs < 0) throw new Error("a run is longer than its frame");
    if (this.#runs === 0) this.#expect("frame", HEAD);
    this.onRun(this.#answer.request, view, at);
  }

  #expect(reading: Reading, need: number): void {
    this.#reading = reading;
    this.#need = need;
    if (need <= this.#carry.length) return;
    // The carry is empty between parts, so nothing is lost.
    this.#carry = new Uint8Array(need);
    this.#carryView = new DataView(this.#carry.buffer);
  }
}
