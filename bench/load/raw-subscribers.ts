/**
 * Subscribers of a channel: many connections of one process, which count what they receive.
 */
import { WORD_BYTES } from "#protocol/entry.js";
import { HEAD, HEAD_LENGTH, OP } from "#protocol/frame.js";
import { unpackHead } from "#protocol/head.js";
import { Answer, Op } from "#protocol/op.js";
import { monotonicMicros } from "../measure/clock.js";
import { Histogram, type Percentiles } from "../measure/histogram.js";
import type { Address } from "../wire/address.js";
import { answerFields } from "../wire/answer-scanner.js";
import { FrameAssembler } from "../wire/frame-assembler.js";
import { encodeFrame, FIRST_REQUEST, sendHello } from "../wire/frames.js";
import { openWire } from "../wire/open-wire.js";
import { receipts } from "../wire/receipts.js";
import type { Wire } from "../wire/wire.js";
import { Completion } from "./completion.js";
import { type Role, timed, type Work } from "./role.js";

export interface RawSubscribe {
  readonly address: Address;
  readonly channel: string;
  readonly subscribers: number;
  /** Messages published. Each subscriber receives them or is told that it lost them. */
  readonly messages: number;
  readonly seconds: number;
}

export interface SubscribeOutcome extends Work {
  /** Deliveries that were dropped because a subscriber was slow. */
  readonly lost: number;
  /** From the publish to the read, of the first message of each frame. */
  readonly deliver: Percentiles;
}

/** Subscribes one connection. `onCount` is called after each read with the messages received and lost. */
export const subscribe = async (
  address: Address,
  channel: string,
  onCount: (got: number, lost: number) => void,
  deliver?: Histogram,
): Promise<Wire> => {
  let got = 0;
  let lost = 0;
  let confirmed = (): void => {};
  const onAnswer = receipts(() => confirmed());
  const assembler = new FrameAssembler((bytes, view, start, end) => {
    const op = view.getUint8(start + OP);
    const headBytes = view.getUint16(start + HEAD_LENGTH);
    const payload = start + HEAD + headBytes;
    if (op === Answer.CHANNEL_MESSAGES) {
      deliver?.record(monotonicMicros() - view.getFloat64(payload + WORD_BYTES));
      for (let at = payload; at < end; at += WORD_BYTES + view.getUint32(at)) got++;
    } else if (op === Answer.CHANNEL_LOST) {
      lost += Number(unpackHead(bytes, start + HEAD, payload)[1]);
    } else {
      onAnswer(answerFields(view, start), view, start + HEAD, end);
    }
  });
  const wire = await openWire(address, (bytes, view, start, end) => {
    got = 0;
    lost = 0;
    assembler.push(bytes, view, start, end);
    if (got + lost > 0) onCount(got, lost);
  });
  sendHello(wire);
  await new Promise<void>((resolve) => {
    confirmed = resolve;
    wire.send(encodeFrame(wire, Op.SUBSCRIBE, 0, FIRST_REQUEST, [channel]).bytes);
  });
  return wire;
};

export const rawSubscribers: Role<RawSubscribe, SubscribeOutcome> = async (params) => {
  const expected = params.messages * params.subscribers;
  const deliver = new Histogram();
  let got = 0;
  let lost = 0;
  const completion = new Completion();
  const onCount = (more: number, dropped: number): void => {
    got += more;
    lost += dropped;
    if (got + lost >= expected) completion.done();
  };
  const wires: Wire[] = [];
  for (let i = 0; i < params.subscribers; i++) {
    wires.push(await subscribe(params.address, params.channel, onCount, deliver));
  }
  return {
    run: async () => {
      const work = await timed(async () => {
        await completion.wait(params.seconds, () => {
          if (got + lost >= expected) completion.done();
        });
        return got;
      });
      for (const wire of wires) wire.end();
      return { ...work, lost, deliver: deliver.percentiles() };
    },
  };
};
