/**
 * Consumes everything in some topics and then acks a part of it, from one end of the backlog to the other and back: in
 * random order, or a message of each topic in turn. The rest stays in flight, and the connection stays open, so that a
 * broker that is killed then has given nothing back.
 */
import { Op } from "#protocol/op.js";
import * as Run from "#protocol/run.js";
import { AckWriter } from "../wire/ack-writer.js";
import type { Address } from "../wire/address.js";
import { AnswerScanner } from "../wire/answer-scanner.js";
import { encodeFrame, FIRST_REQUEST, sendHello } from "../wire/frames.js";
import { openWire } from "../wire/open-wire.js";
import { receipts } from "../wire/receipts.js";
import { Completion } from "./completion.js";
import { type Role, timed, type Work } from "./role.js";

export interface ScatteredConsume {
  readonly address: Address;
  readonly topics: readonly string[];
  /** Messages in each topic. */
  readonly messages: number;
  /** One in this many is acked. */
  readonly ackOneIn: number;
  readonly order: "random" | "in turn";
  readonly seconds: number;
}

/** Acks that may be unanswered, and those of a frame at most. */
const WINDOW = 65_536;
const FRAME_ACKS = 4096;

/** The deliveries of a topic, one behind the other. */
interface Delivered {
  readonly idHigh: Uint32Array;
  readonly idLow: Uint32Array;
  readonly delivery: Uint32Array;
  count: number;
}

/** A generator of numbers below 2 ** 32 that are the same in each run (xorshift). */
const randomNumbers = (): (() => number) => {
  let state = 0x2545_f491;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
};

/** The messages to ack, as topic × `messages` + message, in the order in which they are acked. */
const chosenOf = ({ topics, messages, ackOneIn, order }: ScatteredConsume): Uint32Array => {
  const chosen = new Uint32Array(topics.length * Math.ceil(messages / ackOneIn));
  const random = randomNumbers();
  let count = 0;
  for (let i = 0; i < messages; i += ackOneIn) {
    for (let topic = 0; topic < topics.length; topic++) {
      const offset = order === "random" ? random() % Math.min(ackOneIn, messages - i) : 0;
      chosen[count++] = topic * messages + (order === "random" ? i + offset : i / ackOneIn);
    }
  }
  if (order === "in turn") return chosen;
  for (let i = chosen.length - 1; i > 0; i--) {
    const j = random() % (i + 1);
    const other = chosen[j] as number;
    chosen[j] = chosen[i] as number;
    chosen[i] = other;
  }
  return chosen;
};

export const scatteredConsumer: Role<ScatteredConsume, Work> = async (params) => {
  const { topics, messages } = params;
  const total = topics.length * messages;
  const delivered = topics.map(
    (): Delivered => ({
      idHigh: new Uint32Array(messages),
      idLow: new Uint32Array(messages),
      delivery: new Uint32Array(messages),
      count: 0,
    }),
  );
  const chosen = chosenOf(params);
  const firstAck = FIRST_REQUEST + topics.length;
  const completion = new Completion();
  let received = 0;
  let sent = 0;
  let acked = 0;

  const keep = (request: number, view: DataView, at: number): void => {
    const of = delivered[request - FIRST_REQUEST] as Delivered;
    const count = view.getUint32(at + Run.COUNT);
    of.idHigh.fill(view.getUint32(at + Run.FIRST_ID_HIGH), of.count, of.count + count);
    of.delivery.fill(view.getUint32(at + Run.DELIVERY), of.count, of.count + count);
    const first = view.getUint32(at + Run.FIRST_ID_LOW);
    for (let i = 0; i < count; i++) of.idLow[of.count + i] = first + i;
    of.count += count;
    received += count;
  };

  const wire = await openWire(params.address, (bytes, view, start, end) => {
    scanner.push(bytes, view, start, end);
    if (received === total) send();
    if (acked === chosen.length) completion.done();
  });
  const scanner = new AnswerScanner(
    receipts((request, _requests, count) => {
      if (request >= firstAck) acked += count;
    }),
    keep,
  );
  const writers = topics.map((topic, i) => new AckWriter(wire, topic, firstAck + i, topics.length));

  /** Sends acks as far as the window goes: those of one topic that follow one another in a frame. */
  const send = (): void => {
    while (sent < chosen.length && sent - acked < WINDOW) {
      const topic = Math.floor((chosen[sent] as number) / messages);
      const writer = writers[topic] as AckWriter;
      const of = delivered[topic] as Delivered;
      for (let i = 0; i < FRAME_ACKS && sent < chosen.length; i++, sent++) {
        const message = (chosen[sent] as number) - topic * messages;
        if (message < 0 || message >= messages) break;
        writer.selectOne(of.idHigh[message] as number, of.idLow[message] as number, of.delivery[message] as number);
      }
      writer.flush();
    }
  };

  sendHello(wire);
  return {
    run: () =>
      timed(async () => {
        await completion.wait(params.seconds, () => {
          for (const [i, topic] of topics.entries()) {
            wire.send(encodeFrame(wire, Op.CONSUME, 0, FIRST_REQUEST + i, [topic, "", messages]).bytes);
          }
        });
        return acked;
      }),
  };
};
