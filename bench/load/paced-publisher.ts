/**
 * Publishes at a given rate, one message a frame, whether the broker keeps up or not (an open loop).
 *
 * It sends what is due several times a millisecond. A timer of Node fires every millisecond or two, and the messages of a
 * millisecond sent at once would queue behind each other, which would count as latency of the broker. For the same reason
 * a process that could not run for a while catches up only by CATCH_UP_MS, and reports the rest as not offered.
 */
import { WORD_BYTES } from "#protocol/entry.js";
import { Op } from "#protocol/op.js";
import { monotonicMicros } from "../measure/clock.js";
import { Histogram, type Percentiles } from "../measure/histogram.js";
import type { Address } from "../wire/address.js";
import { AnswerScanner } from "../wire/answer-scanner.js";
import { encodeFrame, entries, FIRST_REQUEST, sendHello } from "../wire/frames.js";
import { openWire } from "../wire/open-wire.js";
import { receipts } from "../wire/receipts.js";
import { type Role, timed, type Work } from "./role.js";

export interface PacedPublish {
  readonly address: Address;
  readonly topic: string;
  readonly bodyBytes: number;
  readonly messages: number;
  readonly messagesPerSecond: number;
  /** The least Durability (src/protocol/op.ts) of each confirm. */
  readonly durability: number;
}

export interface PacedOutcome extends Work {
  /** From the write to the receipt. Up to TICK_MS of it pass before the receipt is read. */
  readonly confirm: Percentiles;
  /** Time for which nothing was offered, because this process did not run or too many answers were missing. */
  readonly unofferedSeconds: number;
}

const TICK_MS = 0.25;
const CATCH_UP_MS = 2;

/** Below the broker's limit of 65,536. A load that reaches it is more than the broker can handle. */
const MAX_UNANSWERED = 60_000;
const MAX_UNANSWERED_BYTES = 16 * 1024 * 1024;

export const pacedPublisher: Role<PacedPublish, PacedOutcome> = async (params) => {
  const confirm = new Histogram();
  let sent = 0;
  let answered = 0;
  let finish = (): void => {};

  const scanner = new AnswerScanner(
    receipts((request, requests) => {
      const now = monotonicMicros();
      const first = request - FIRST_REQUEST;
      for (let i = first; i < first + requests; i++) confirm.record(now - (times[i % slots] ?? now));
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
  const slots = Math.max(1, Math.min(MAX_UNANSWERED, Math.floor(MAX_UNANSWERED_BYTES / size)));
  const times = new Float64Array(slots);
  // Allocated once, so that the load allocates nothing while it runs. A slot is reused after its answer.
  const ring = new Uint8Array(slots * size);
  const view = new DataView(ring.buffer);
  for (let at = 0; at < ring.length; at += size) ring.set(frame.bytes, at);

  const write = (count: number): void => {
    const now = monotonicMicros();
    for (let rest = count; rest > 0; ) {
      const first = sent % slots;
      const part = Math.min(rest, slots - first);
      for (let i = 0, at = first * size; i < part; i++, at += size) {
        view.setUint32(at + frame.requestAt, FIRST_REQUEST + sent + i);
        view.setFloat64(at + frame.payloadAt + WORD_BYTES, now);
        times[first + i] = now;
      }
      sent += part;
      rest -= part;
      wire.send(ring.subarray(first * size, (first + part) * size));
    }
  };

  return {
    run: async () => {
      const perMs = params.messagesPerSecond / 1000;
      const most = Math.max(1, CATCH_UP_MS * perMs);
      const nothing = new Int32Array(new SharedArrayBuffer(4));
      let unoffered = 0;
      const work = await timed(
        () =>
          new Promise<number>((resolve) => {
            finish = () => resolve(sent);
            let last = performance.now();
            let owed = 1;
            const tick = (): void => {
              const now = performance.now();
              owed += (now - last) * perMs;
              last = now;
              if (owed > most) {
                unoffered += owed - most;
                owed = most;
              }
              const count = Math.min(Math.floor(owed), params.messages - sent, slots - (sent - answered));
              if (count > 0) write(count);
              owed -= count;
              if (sent === params.messages) return;
              // Between two ticks the event loop reads answers.
              Atomics.wait(nothing, 0, 0, TICK_MS);
              setImmediate(tick);
            };
            tick();
          }),
      );
      wire.end();
      return { ...work, confirm: confirm.percentiles(), unofferedSeconds: unoffered / params.messagesPerSecond };
    },
  };
};
