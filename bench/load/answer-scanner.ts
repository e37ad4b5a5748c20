/**
 * Reads a stream of answers and skips the bytes of messages: a run is told by its header alone, in whatever pieces it
 * arrives, so that consuming costs the load generator next to nothing per message.
 */
import { FLAGS, HEAD, HEAD_LENGTH, LENGTH, LENGTH_BYTES, OP, REQUEST } from "#protocol/frame.js";
import { Answer } from "#protocol/op.js";
import { BYTES, KEY, KEY_LENGTH } from "#protocol/run.js";

/** Any answer but MESSAGES; [start, end) is its head and payload. */
export type OnAnswer = (
  op: number,
  flags: number,
  request: number,
  headBytes: number,
  view: DataView,
  start: number,
  end: number,
) => void;

/** A run of `request`; its header of src/protocol/run.ts begins at `at`. */
export type OnRun = (request: number, view: DataView, at: number) => void;

/** Answers other than MESSAGES are a few receipts or faults; a longer one is not an answer. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

type Reading = "frame" | "run" | "answer";

export class AnswerScanner {
  #reading: Reading = "frame";
  /** Bytes of the part that is being read. */
  #need = HEAD;
  /** Bytes to pass over before it. */
  #skip = 0;
  /** Holds a part that was cut by the end of a chunk. */
  #carry = new Uint8Array(4096);
  #carryView = new DataView(this.#carry.buffer);
  #have = 0;
  #op = 0;
  #flags = 0;
  #request = 0;
  #headBytes = 0;
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
        this.onAnswer(this.#op, this.#flags, this.#request, this.#headBytes, view, at, end);
      }
    }
  }

  #readFrame(view: DataView, at: number): void {
    const rest = view.getUint32(at + LENGTH) + LENGTH_BYTES - HEAD;
    this.#op = view.getUint8(at + OP);
    this.#flags = view.getUint8(at + FLAGS);
    this.#request = view.getUint32(at + REQUEST);
    this.#headBytes = view.getUint16(at + HEAD_LENGTH);
    if (this.#op === Answer.MESSAGES) {
      this.#skip = this.#headBytes;
      this.#runs = rest - this.#headBytes;
      if (this.#runs > 0) this.#expect("run", KEY);
    } else if (rest === 0) {
      this.onAnswer(this.#op, this.#flags, this.#request, 0, view, at + HEAD, at + HEAD);
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
    this.onRun(this.#request, view, at);
  }

  #expect(reading: Reading, need: number): void {
    this.#reading = reading;
    this.#need = need;
    if (need <= this.#carry.length) return;
    // Between parts the carry is empty, so nothing is lost with it.
    this.#carry = new Uint8Array(need);
    this.#carryView = new DataView(this.#carry.buffer);
  }
}
