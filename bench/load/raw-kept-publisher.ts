/**
 * Publishes pre-encoded frames to a kept channel. Each frame's first body begins with its position, so that a replay can
 * tell whether it has come to its place.
 */
import { WORD_BYTES } from "#protocol/entry.js";
import { Answer, Op } from "#protocol/op.js";
import type { Address } from "../wire/address.js";
import { AnswerScanner } from "../wire/answer-scanner.js";
import { encodeFrame, entries, FIRST_REQUEST, sendHello } from "../wire/frames.js";
import { openWire } from "../wire/open-wire.js";
import { receipts } from "../wire/receipts.js";
import { PublishPump } from "./publish-pump.js";
import { type Role, timed, type Work } from "./role.js";

export interface RawKeptPublish {
  readonly address: Address;
  readonly channel: string;
  readonly bodyBytes: number;
  readonly messages: number;
  readonly batch: number;
  /** Bytes of frames that may be unanswered. */
  readonly windowBytes: number;
  readonly seconds: number;
  /** The least Durability (src/protocol/op.ts) of each confirm. */
  readonly durability: number;
}

/** Has the channel kept, from its next message on. */
const keep = async (address: Address, channel: string): Promise<void> => {
  await new Promise<void>((resolve, reject) => {
    const scanner = new AnswerScanner(({ op }) => {
      if (op === Answer.RESULT) resolve();
      else if (op === Answer.ERROR) reject(new Error("the broker refuses to keep the channel"));
    });
    void openWire(address, (bytes, view, start, end) => scanner.push(bytes, view, start, end)).then((wire) => {
      sendHello(wire);
      wire.send(encodeFrame(wire, Op.CONFIGURE_CHANNEL, 0, FIRST_REQUEST, [channel, { keep: true }]).bytes);
    }, reject);
  });
};

export const rawKeptPublisher: Role<RawKeptPublish, Work> = async (params) => {
  const { address, channel, batch, durability } = params;
  await keep(address, channel);
  let pump: PublishPump | undefined;
  const scanner = new AnswerScanner(receipts((request, requests) => pump?.answer(request, requests), durability));
  const wire = await openWire(address, (bytes, view, start, end) => {
    scanner.push(bytes, view, start, end);
    pump?.proceed();
  });
  sendHello(wire);
  const frame = encodeFrame(wire, Op.PUBLISH_CHANNEL, 0, 0, [channel], entries(batch, params.bodyBytes));
  const positionAt = frame.payloadAt + WORD_BYTES;
  const ready = new PublishPump({
    wire,
    frame,
    frames: Math.ceil(params.messages / batch),
    window: Math.max(2, Math.floor(params.windowBytes / frame.bytes.length)),
    seconds: params.seconds,
    stamp: (view, at, index) => view.setFloat64(at + positionAt, index * batch),
  });
  return {
    run: async () => {
      const work = await timed(async () => {
        pump = ready;
        return (await ready.run()) * batch;
      });
      wire.end();
      return work;
    },
  };
};
