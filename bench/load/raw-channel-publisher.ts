/**
 * Publishes to a channel as fast as its subscribers can read. It subscribes as well, and limits how many of its messages
 * have not come back yet: a channel never makes a publisher wait, and would drop what is too fast.
 */
import { Op } from "#protocol/op.js";
import type { Address } from "../wire/address.js";
import { AnswerScanner } from "../wire/answer-scanner.js";
import { encodeFrame, entries, FIRST_REQUEST, sendHello } from "../wire/frames.js";
import { openWire } from "../wire/open-wire.js";
import { receipts } from "../wire/receipts.js";
import { PublishPump } from "./publish-pump.js";
import { subscribe } from "./raw-subscribers.js";
import { type Role, timed, type Work } from "./role.js";
import { timeStamp } from "./stamps.js";

export interface RawChannelPublish {
  readonly address: Address;
  readonly channel: string;
  readonly bodyBytes: number;
  readonly messages: number;
  readonly batch: number;
  /** Messages that may be on their way. */
  readonly window: number;
  readonly seconds: number;
}

export const rawChannelPublisher: Role<RawChannelPublish, Work> = async (params) => {
  let received = 0;
  let answered = 0;
  let pump: PublishPump | undefined;
  const own = await subscribe(params.address, params.channel, (got, lost) => {
    received += got + lost;
    const frames = Math.floor(received / params.batch);
    if (frames > answered) pump?.answer(FIRST_REQUEST + answered, frames - answered);
    answered = frames;
    pump?.proceed();
  });
  const confirms = new AnswerScanner(receipts(() => {}));
  const wire = await openWire(params.address, (bytes, view, start, end) => confirms.push(bytes, view, start, end));
  sendHello(wire);
  const frame = encodeFrame(wire, Op.PUBLISH_CHANNEL, 0, 0, [params.channel], entries(params.batch, params.bodyBytes));
  const ready = new PublishPump({
    wire,
    frame,
    frames: Math.ceil(params.messages / params.batch),
    window: Math.max(1, Math.floor(params.window / params.batch)),
    seconds: params.seconds,
    stamp: timeStamp(frame),
  });
  return {
    run: async () => {
      const work = await timed(async () => {
        pump = ready;
        return (await ready.run()) * params.batch;
      });
      wire.end();
      own.end();
      return work;
    },
  };
};
