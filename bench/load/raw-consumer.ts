/**
 * Consumes with RENEW credit, and acks the messages of each read with one frame.
 */
import { Op, RENEW } from "#protocol/op.js";
import { AckWriter } from "../wire/ack-writer.js";
import type { Address } from "../wire/address.js";
import { AnswerScanner } from "../wire/answer-scanner.js";
import { encodeFrame, FIRST_REQUEST, sendHello } from "../wire/frames.js";
import { openWire } from "../wire/open-wire.js";
import { receipts } from "../wire/receipts.js";
import { Completion } from "./completion.js";
import { type Role, timed, type Work } from "./role.js";

export interface RawConsume {
  readonly address: Address;
  readonly topic: string;
  /** Messages to ack before the run ends. */
  readonly messages: number;
  readonly credit: number;
  /** The run ends after this time in any case. */
  readonly seconds: number;
}

export const rawConsumer: Role<RawConsume, Work> = async (params) => {
  let acked = 0;
  const completion = new Completion();
  const scanner = new AnswerScanner(
    receipts((request, _requests, messages) => {
      if (request !== FIRST_REQUEST) acked += messages;
    }),
    (_request, view, at) => acks.select(view, at),
  );
  const wire = await openWire(params.address, (bytes, view, start, end) => {
    scanner.push(bytes, view, start, end);
    acks.flush();
    if (acked >= params.messages) completion.done();
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
        return acked;
      });
      wire.end();
      return work;
    },
  };
};
