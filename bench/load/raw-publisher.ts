/**
 * Publishes pre-encoded frames as fast as the window allows.
 */
import { NUMBERS_BYTES } from "#protocol/numbers.js";
import { Op } from "#protocol/op.js";
import type { Address } from "../wire/address.js";
import { AnswerScanner } from "../wire/answer-scanner.js";
import { encodeFrame, entries, sendHello, type WireFrame } from "../wire/frames.js";
import { openWire } from "../wire/open-wire.js";
import { receipts } from "../wire/receipts.js";
import { PublishPump, type Stamp } from "./publish-pump.js";
import { type Role, timed, type Work } from "./role.js";
import { delayStamp, numberStamp, PATCHED_DELAY, topicName, topicStamp } from "./stamps.js";

const PRODUCER = "bench";

export interface RawPublish {
  readonly address: Address;
  /** One topic, or a number n: the topics 0 to n − 1 of `topicName` in turn. */
  readonly topic: string | number;
  readonly bodyBytes: number;
  readonly messages: number;
  /** Messages in a frame. */
  readonly batch: number;
  /** Bytes of frames that may be unanswered. */
  readonly windowBytes: number;
  readonly windowRequests: number;
  readonly seconds: number;
  /** The least Durability (src/protocol/op.ts) of each confirm. */
  readonly durability: number;
  /** The messages are numbered by a producer. Default false. */
  readonly numbered?: boolean;
  /** See `delayStamp`. */
  readonly delay?: { readonly afterMs: number; readonly spreadMs: number };
}

const headOf = (params: RawPublish): readonly unknown[] => {
  const topic = typeof params.topic === "string" ? params.topic : topicName(0);
  if (params.numbered === true) return [topic, "", 0, 0, PRODUCER];
  return params.delay === undefined ? [topic] : [topic, "", PATCHED_DELAY];
};

const payloadOf = ({ batch, bodyBytes, numbered = false }: RawPublish): Uint8Array =>
  numbered ? Buffer.concat([Buffer.alloc(NUMBERS_BYTES), entries(batch, bodyBytes)]) : entries(batch, bodyBytes);

const stampOf = (params: RawPublish, frame: WireFrame, frames: number, window: number): Stamp | undefined => {
  if (params.numbered === true) return numberStamp(frame, params.batch, window);
  if (typeof params.topic === "number") return topicStamp(frame, params.topic);
  if (params.delay !== undefined) return delayStamp(frame, frames, params.delay.afterMs, params.delay.spreadMs);
  return undefined;
};

export const rawPublisher: Role<RawPublish, Work> = async (params) => {
  let pump: PublishPump | undefined;
  let published = 0;
  const scanner = new AnswerScanner(
    receipts((request, requests, messages) => {
      published += messages;
      pump?.answer(request, requests);
    }, params.durability),
  );
  const wire = await openWire(params.address, (bytes, view, start, end) => {
    scanner.push(bytes, view, start, end);
    pump?.proceed();
  });
  sendHello(wire);
  const frame = encodeFrame(wire, Op.PUBLISH, 0, 0, headOf(params), payloadOf(params));
  const frames = Math.ceil(params.messages / params.batch);
  const window = Math.max(2, Math.min(params.windowRequests, Math.floor(params.windowBytes / frame.bytes.length)));
  const stamp = stampOf(params, frame, frames, window);
  const ready = new PublishPump({
    wire,
    frame,
    frames,
    window,
    seconds: params.seconds,
    ...(stamp === undefined ? {} : { stamp }),
  });
  return {
    run: async () => {
      const work = await timed(async () => {
        pump = ready;
        const sent = (await ready.run()) * params.batch;
        if (published !== sent) throw new Error(`${sent} messages were sent, ${published} confirmed`);
        return sent;
      });
      wire.end();
      return work;
    },
  };
};
