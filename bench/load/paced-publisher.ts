/**
 * Publishes at a given rate, one message a frame, whether the broker keeps up or not (an open loop): a timer fires
 * about once a millisecond and writes what is due by then.
 */
import { Op } from "#protocol/op.js";
import { monotonicMicros } from "../measure/clock.js";
import { Histogram, type Percentiles } from "../measure/histogram.js";
import { AnswerScanner } from "./answer-scanner.js";
import { receipts } from "./answers.js";
import { encodeFrame, entries, FIRST_REQUEST, sendHello } from "./frames.js";
import { type Address, type Role, timed, type Work } from "./role.js";
import { timeStamp } from "./stamps.js";
import { openWire } from "./wire.js";

export interface PacedPublish {
  readonly address: Address;
  readonly topic: string;
  readonly bodyBytes: number;
  readonly messages: number;
  readonly messagesPerSecond: number;
  /** What each confirm must have reached: a Durability of src/protocol/op.ts. */
  readonly durability: number;
}

export interface PacedOutcome extends Work {
  /** From the write to the receipt. */
  readonly confirm: Percentiles;
}

/** Under the broker's limit of unanswered requests (65,536): past it the load is above what the broker can do. */
const MAX_UNANSWERED = 60_000;
/** A power of two above MAX_UNANSWERED. */
const TIMES = 65_536;

export const pacedPublisher: Role<PacedPublish, PacedOutcome> = async (params) => {
  const times = new Float64Array(TIMES);
  const confirm = new Histogram();
  let sent = 0;
  let answered = 0;
  let finish = (): void => {};

  const scanner = new AnswerScanner(
    receipts((request, requests) => {
      const now = monotonicMicros();
      for (let i = request; i < request + requests; i++) confirm.record(now - (times[i % TIMES] ?? now));
      answered += requests;
    }, params.durability),
  );
  const wire = await openWire(params.address, (bytes, view, start, end) => {
    scanner.push(bytes, view, start, end);
    if (answered === params.messages) finish();
  });
  sendHello(wire);
  const frame = encodeFrame(wire, Op.PUBLISH, 0, 0, [params.topic], entries(1, params.bodyBytes));
  const size = frame.bytes.length;
  const stamp = timeStamp(frame);

  const write = (count: number): void => {
    const bytes = Buffer.allocUnsafe(count * size);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const now = monotonicMicros();
    for (let i = 0, at = 0; i < count; i++, at += size) {
      const request = FIRST_REQUEST + sent + i;
      bytes.set(frame.bytes, at);
      view.setUint32(at + frame.requestAt, request);
      stamp(view, at, sent + i);
      times[request % TIMES] = now;
    }
    sent += count;
    wire.send(bytes);
  };

  return {
    run: async () => {
      const work = await timed(
        () =>
          new Promise<number>((resolve) => {
            finish = () => resolve(sent);
            const start = performance.now();
            const tick = (): void => {
              const due = Math.floor(((performance.now() - start) / 1000) * params.messagesPerSecond);
              const room = MAX_UNANSWERED - (sent - answered);
              const count = Math.min(due - sent, params.messages - sent, room);
              if (count > 0) write(count);
              if (sent < params.messages) setTimeout(tick, 1);
            };
            tick();
          }),
      );
      wire.end();
      return { ...work, confirm: confirm.percentiles() };
    },
  };
};
