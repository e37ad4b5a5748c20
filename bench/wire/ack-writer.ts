/**
 * Collects selections for the runs of one read and sends them as one ACK frame.
 */
import { FLAGS, HEAD, HEAD_LENGTH, LENGTH, LENGTH_BYTES, OP, REQUEST } from "#protocol/frame.js";
import { packHead } from "#protocol/head.js";
import { Op } from "#protocol/op.js";
import * as Run from "#protocol/run.js";
import * as Selection from "#protocol/selection.js";
import { FIRST_REQUEST } from "./frames.js";
import type { Wire } from "./wire.js";

export class AckWriter {
  readonly #head: Uint8Array;
  #selections = new Uint8Array(64 * 1024);
  #view = new DataView(this.#selections.buffer);
  #end = 0;
  #request: number;

  constructor(
    private readonly wire: Wire,
    topic: string,
    firstRequest = FIRST_REQUEST,
    /** From the request of a frame to that of the next one. */
    private readonly stride = 1,
  ) {
    this.#head = packHead([topic]);
    this.#request = firstRequest;
  }

  /** Selects the first `count` messages of the run whose header begins at `at`; all of it by default. */
  select(view: DataView, at: number, count = view.getUint32(at + Run.COUNT)): void {
    const idHigh = view.getUint32(at + Run.FIRST_ID_HIGH);
    this.#put(idHigh, view.getUint32(at + Run.FIRST_ID_LOW), count, view.getUint32(at + Run.DELIVERY));
  }

  /** Selects one message. */
  selectOne(idHigh: number, idLow: number, delivery: number): void {
    this.#put(idHigh, idLow, 1, delivery);
  }

  /** Sends what is selected, if anything. */
  flush(): void {
    if (this.#end === 0) return;
    const length = HEAD + this.#head.length + this.#end;
    const bytes = Buffer.allocUnsafe(length);
    const view = new DataView(bytes.buffer, bytes.byteOffset, length);
    view.setUint32(LENGTH, length - LENGTH_BYTES);
    view.setUint8(OP, Op.ACK);
    view.setUint8(FLAGS, 0);
    view.setUint16(HEAD_LENGTH, this.#head.length);
    view.setUint32(REQUEST, this.#request);
    this.#request += this.stride;
    bytes.set(this.#head, HEAD);
    bytes.set(this.#selections.subarray(0, this.#end), HEAD + this.#head.length);
    this.#end = 0;
    this.wire.send(this.wire.framed(bytes));
  }

  #put(idHigh: number, idLow: number, count: number, delivery: number): void {
    if (this.#end === this.#selections.length) this.#grow();
    const to = this.#end;
    this.#view.setUint32(to + Selection.FIRST_ID_HIGH, idHigh);
    this.#view.setUint32(to + Selection.FIRST_ID_LOW, idLow);
    this.#view.setUint32(to + Selection.COUNT, count);
    this.#view.setUint32(to + Selection.DELIVERY, delivery);
    this.#end = to + Selection.SELECTION_BYTES;
  }

  #grow(): void {
    const grown = new Uint8Array(this.#selections.length * 2);
    grown.set(this.#selections);
    this.#selections = grown;
    this.#view = new DataView(grown.buffer);
  }
}
