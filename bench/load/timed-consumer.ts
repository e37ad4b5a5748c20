/**
 * Consumes and acks messages that carry a time, and measures how long after that time each was read.
 */
import { WORD_BYTES } from "#protocol/entry.js";
import { HEAD, HEAD_LENGTH, OP } from "#protocol/frame.js";
import { Answer, Op, RENEW } from "#protocol/op.js";
import * as Run from "#protocol/run.js";
import { monotonicMicros } from "../measure/clock.js";
import { Histogram, type Percentiles } from "../measure/histogram.js";
import { AckWriter } from "../wire/ack-writer.js";
import type { Address } from "../wire/address.js";
import { answerFields } from "../wire/answer-scanner.js";
import { FrameAssembler } from "../wire/frame-assembler.js";
import { encodeFrame, FIRST_REQUEST, sendHello } from "../wire/frames.js";
import { openWire } from "../wire/open-wire.js";
import { receipts } from "../wire/receipts.js";
import { Completion } from "./completion.js";
import { type Role, timed, type Work } from "./role.js";

export interface TimedConsume {
  readonly address: Address;
  readonly topic: string;
  readonly messages: number;
  readonly credit: number;
  readonly seconds: number;
}

export interface TimedOutcome extends Work {
  /** From the time in a message until it was read. */
  readonly late: Percentiles;
  /** Messages read before the time in them. */
  readonly early: number;
  /** The earliest, in microseconds before its time; 0 when none was early. */
  readonly earliestMicros: number;
}

export const timedConsumer: Role<TimedConsume, TimedOutcome> = async (params) => {
  const late = new Histogram();
  let early = 0;
  let earliestMicros = 0;
  let acked = 0;
  const completion = new Completion();
  let confirmed = (): void => {};

  const onAnswer = receipts((request, _requests, messages) => {
    if (request === FIRST_REQUEST) confirmed();
    else acked += messages;
  });

  const readRun = (view: DataView, at: number): number => {
    const now = monotonicMicros();
    let entry = at + Run.KEY + view.getUint8(at + Run.KEY_LENGTH);
    const end = entry + view.getUint32(at + Run.BYTES);
    while (entry < end) {
      const lateness = now - view.getFloat64(entry + WORD_BYTES);
      late.record(lateness);
      if (lateness < 0) {
        early++;
        earliestMicros = Math.max(earliestMicros, -lateness);
      }
      entry += WORD_BYTES + view.getUint32(entry);
    }
    acks.select(view, at);
    return end;
  };

  const assembler = new FrameAssembler((_bytes, view, start, end) => {
    const op = view.getUint8(start + OP);
    const headBytes = view.getUint16(start + HEAD_LENGTH);
    if (op === Answer.MESSAGES) for (let at = start + HEAD + headBytes; at < end; ) at = readRun(view, at);
    else onAnswer(answerFields(view, start), view, start + HEAD, end);
  });
  const wire = await openWire(params.address, (bytes, view, start, end) => {
    assembler.push(bytes, view, start, end);
    acks.flush();
    if (acked >= params.messages) completion.done();
  });
  const acks = new AckWriter(wire, params.topic, FIRST_REQUEST + 1);
  sendHello(wire);
  const consume = encodeFrame(wire, Op.CONSUME, RENEW, FIRST_REQUEST, [params.topic, "", params.credit]);
  await new Promise<void>((resolve) => {
    confirmed = resolve;
    wire.send(consume.bytes);
  });

  return {
    run: async () => {
      const work = await timed(async () => {
        await completion.wait(params.seconds, () => {
          if (acked >= params.messages) completion.done();
        });
        return acked;
      });
      wire.end();
      return { ...work, late: late.percentiles(), early, earliestMicros };
    },
  };
};
