/**
 * Encodes a shard's effects as frames of the native protocol.
 *
 * Consecutive receipts share one CONFIRM, and a receipt whose request and ids continue the last one is merged into it: a
 * connection that publishes one message per frame is answered with a few bytes per batch.
 */
import type { ErrorName } from "../protocol/errors.js";
import { ERRORS } from "../protocol/errors.js";
import type { FrameWriter } from "../protocol/frame.js";
import * as frame from "../protocol/frame.js";
import { NO_HEAD, packHead } from "../protocol/head.js";
import { Answer, DUPLICATE } from "../protocol/op.js";
import * as runs from "../protocol/run.js";
import * as records from "../protocol/selection.js";
import type { Effects, Fault, Run } from "../shard/effects.js";
import { ChannelHead } from "./channel-head.js";
import type { Outbound } from "./outbound.js";

export class FrameEffects implements Effects {
  /** The connection of the open CONFIRM; 0: none is open. */
  #confirming = 0;
  /** Where the open CONFIRM's last receipt begins. */
  #receipt = 0;
  /** Of the open CONFIRM. */
  #flags = 0;
  readonly #head = new ChannelHead();

  constructor(readonly outbound: Outbound) {}

  /** Ends an open CONFIRM, so that the staged frames are whole. */
  finish(): void {
    if (this.#confirming === 0) return;
    this.#confirming = 0;
    this.outbound.frames.close();
  }

  confirm(
    connection: number,
    request: number,
    requests: number,
    idHigh: number,
    idLow: number,
    messages: number,
    level: number,
    _isEnd = false,
    isDuplicate = false,
  ): void {
    const flags = isDuplicate ? level | DUPLICATE : level;
    const { outbound } = this;
    if (this.#confirming !== connection || this.#flags !== flags) {
      this.finish();
      outbound.to(connection);
      outbound.frames.open(Answer.CONFIRM, flags, 0, NO_HEAD);
      this.#confirming = connection;
      this.#flags = flags;
    } else if (this.#extend(request, requests, idHigh, idLow, messages)) {
      return;
    }
    const { frames } = outbound;
    frames.reserve(records.RECEIPT_BYTES);
    const at = frames.end;
    const { view } = frames;
    view.setUint32(at + records.RECEIPT_REQUEST, request);
    view.setUint32(at + records.RECEIPT_REQUESTS, requests);
    view.setUint32(at + records.RECEIPT_ID_HIGH, idHigh);
    view.setUint32(at + records.RECEIPT_ID_LOW, idLow);
    view.setUint32(at + records.RECEIPT_MESSAGES, messages);
    frames.end = at + records.RECEIPT_BYTES;
    this.#receipt = at;
  }

  fail(connection: number, request: number, kind: ErrorName, text: string): void {
    this.#frame(connection, Answer.ERROR, request, errorHead(kind, text));
  }

  result(connection: number, request: number, value: unknown): void {
    const frames = this.#open(connection);
    frames.open(Answer.RESULT, 0, request, NO_HEAD);
    // Statistics of many queues are longer than a head can be.
    frames.append(packHead([value]));
    frames.close();
  }

  settled(connection: number, request: number, count: number, faults: readonly Fault[]): void {
    const frames = this.#open(connection);
    frames.open(Answer.SETTLED, 0, request, packHead([count]));
    frames.reserve(faults.length * records.FAULT_BYTES);
    for (const fault of faults) {
      const at = frames.end;
      frames.view.setUint32(at + records.FIRST_ID_HIGH, fault.idHigh);
      frames.view.setUint32(at + records.FIRST_ID_LOW, fault.idLow);
      frames.view.setUint32(at + records.COUNT, fault.count);
      frames.view.setUint32(at + records.CODE, ERRORS[fault.kind].code << 16);
      frames.end = at + records.FAULT_BYTES;
    }
    frames.close();
  }

  openMessages(connection: number, request: number, _isLook = false, head?: readonly unknown[]): void {
    this.#open(connection).open(Answer.MESSAGES, 0, request, head === undefined ? NO_HEAD : packHead(head));
  }

  run(run: Readonly<Run>): void {
    const { frames } = this.outbound;
    const keyLength = run.keyEnd - run.keyStart;
    const length = run.end - run.start;
    const { failures } = run;
    frames.reserve(runs.KEY + keyLength + length);
    const at = frames.end;
    const { view } = frames;
    view.setUint32(at + runs.FIRST_ID_HIGH, run.idHigh);
    view.setUint32(at + runs.FIRST_ID_LOW, run.idLow);
    view.setUint32(at + runs.COUNT, run.count);
    view.setUint32(at + runs.BYTES, length);
    view.setUint32(at + runs.DELIVERY, run.delivery);
    view.setUint16(at + runs.RETRY, run.retry);
    view.setUint8(at + runs.REASON, failures === undefined ? run.reason : run.reason | runs.HAS_FAILURES);
    view.setUint8(at + runs.KEY_LENGTH, keyLength);
    view.setFloat64(at + runs.TIME, run.time);
    frames.end = at + runs.KEY;
    if (keyLength > 0) frames.append(run.bytes, run.keyStart, run.keyEnd);
    if (failures !== undefined) this.#failures(failures);
    frames.append(run.bytes, run.start, run.end);
  }

  #failures(failures: Uint8Array): void {
    const { frames } = this.outbound;
    frames.reserve(runs.FAILURES_LENGTH_BYTES);
    frames.view.setUint16(frames.end, failures.length);
    frames.end += runs.FAILURES_LENGTH_BYTES;
    frames.append(failures);
  }

  closeMessages(): void {
    this.outbound.frames.close();
  }

  /** Takes over the MESSAGES frame that is open in `from`. */
  takeMessages(from: FrameEffects, connection: number, request: number): void {
    const { frames } = from.outbound;
    const { end } = frames;
    frames.abandon();
    this.openMessages(connection, request);
    this.outbound.frames.append(frames.bytes, frames.end + frame.HEAD, end);
  }

  openChannel(connections: readonly number[], channel: string, position: number, idHigh: number, idLow: number): void {
    this.finish();
    this.outbound.toAll(connections);
    this.outbound.frames.open(Answer.CHANNEL_MESSAGES, 0, 0, this.#head.pack(channel, position, idHigh, idLow));
  }

  channelEntries(bytes: Uint8Array, start: number, end: number): void {
    this.outbound.frames.append(bytes, start, end);
  }

  closeChannel(): void {
    this.outbound.frames.close();
  }

  channelLost(connection: number, channel: string, count: number): void {
    this.#frame(connection, Answer.CHANNEL_LOST, 0, packHead([channel, count]));
  }

  consumerClosed(connection: number, request: number, kind: ErrorName, text: string): void {
    this.#frame(connection, Answer.CONSUMER_CLOSED, request, packHead([ERRORS[kind].code, text.slice(0, MAX_TEXT)]));
  }

  close(connection: number, kind: ErrorName, text: string): void {
    this.finish();
    this.outbound.closing(connection);
    const { frames } = this.outbound;
    frames.open(Answer.ERROR, 0, 0, errorHead(kind, text));
    frames.close();
  }

  #frame(connection: number, op: number, request: number, head: Uint8Array): void {
    const frames = this.#open(connection);
    frames.open(op, 0, request, head);
    frames.close();
  }

  #open(connection: number): FrameWriter {
    this.finish();
    this.outbound.to(connection);
    return this.outbound.frames;
  }

  /** Merges requests into the last receipt if each request of both has one message and all numbers continue. */
  #extend(request: number, requests: number, idHigh: number, idLow: number, messages: number): boolean {
    const { view } = this.outbound.frames;
    const at = this.#receipt;
    const known = view.getUint32(at + records.RECEIPT_REQUESTS);
    if (
      requests !== messages ||
      view.getUint32(at + records.RECEIPT_MESSAGES) !== known ||
      view.getUint32(at + records.RECEIPT_REQUEST) + known !== request ||
      view.getUint32(at + records.RECEIPT_ID_HIGH) !== idHigh
    ) {
      return false;
    }
    const knownLow = view.getUint32(at + records.RECEIPT_ID_LOW);
    const hasIds = idHigh !== 0 || idLow !== 0;
    if (hasIds ? knownLow + known !== idLow : knownLow !== 0) return false;
    view.setUint32(at + records.RECEIPT_REQUESTS, known + requests);
    view.setUint32(at + records.RECEIPT_MESSAGES, known + messages);
    return true;
  }
}

/** Texts contain the client's topics, keys and patterns. Cut to this length they always fit into a head. */
const MAX_TEXT = 1000;

const errorHead = (kind: ErrorName, text: string): Uint8Array => {
  const { code, retryable, closes } = ERRORS[kind];
  return packHead([code, text.slice(0, MAX_TEXT), retryable, closes]);
};
