/**
 * Consumes everything in a topic and acks most of it. A message now and then stays in flight, so that no segment of the
 * journal can be reclaimed.
 */
import { Op, RENEW } from "#protocol/op.js";
import * as Run from "#protocol/run.js";
import { AckWriter } from "../wire/ack-writer.js";
import type { Address } from "../wire/address.js";
import { AnswerScanner } from "../wire/answer-scanner.js";
import { encodeFrame, FIRST_REQUEST, sendHello } from "../wire/frames.js";
import { openWire } from "../wire/open-wire.js";
import { receipts } from "../wire/receipts.js";
import { Completion } from "./completion.js";
import { type Role, timed, type Work } from "./role.js";

export interface SparingConsume {
  readonly address: Address;
  readonly topic: string;
  /** Messages in the topic. */
  readonly messages: number;
  /** One in this many messages is not acked. Each keeps one credit. */
  readonly spareOneIn: number;
  readonly credit: number;
  readonly seconds: number;
}

export interface SparingOutcome extends Work {
  /** How many of the delivered messages were acked. */
  readonly acked: number;
}

export const sparingConsumer: Role<SparingConsume, SparingOutcome> = async (params) => {
  let delivered = 0;
  let spared = 0;
  let acked = 0;
  const completion = new Completion();
  const scanner = new AnswerScanner(
    receipts((request, _requests, messages) => {
      if (request !== FIRST_REQUEST) acked += messages;
    }),
    (_request, view, at) => {
      const count = view.getUint32(at + Run.COUNT);
      delivered += count;
      const spares = delivered >= (spared + 1) * params.spareOneIn;
      if (spares) spared++;
      if (!spares || count > 1) acks.select(view, at, spares ? count - 1 : count);
    },
  );
  const wire = await openWire(params.address, (bytes, view, start, end) => {
    scanner.push(bytes, view, start, end);
    acks.flush();
    if (delivered >= params.messages && acked === delivered - spared) completion.done();
  });
  const acks = new AckWriter(wire, params.topic, FIRST_REQUEST + 1);
  sendHello(wire);
  const consume = encodeFrame(wire, Op.CONSUME, RENEW, FIRST_REQUEST, [params.topic, "", params.credit]);
  return {
    run: async () => {
      const work = await timed(async () => {
        await completion.wait(params.seconds, () => {
          wire.send(consume.bytes);
        });
        return delivered;
      });
      wire.end();
      return { ...work, acked };
    },
  };
};
