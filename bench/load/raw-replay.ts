/**
 * Reads a kept channel from its first message on, and checks that every message comes once and in its place.
 */
import { SIZE_MASK, WORD_BYTES } from "#protocol/entry.js";
import { HEAD, HEAD_LENGTH, OP } from "#protocol/frame.js";
import { unpackHead } from "#protocol/head.js";
import { Answer, Op } from "#protocol/op.js";
import type { Address } from "../wire/address.js";
import { FrameAssembler } from "../wire/frame-assembler.js";
import { encodeFrame, FIRST_REQUEST, sendHello } from "../wire/frames.js";
import { openWire } from "../wire/open-wire.js";
import { Completion } from "./completion.js";
import { type Role, timed, type Work } from "./role.js";

export interface RawReplay {
  readonly address: Address;
  readonly channel: string;
  /** Messages in the channel. */
  readonly messages: number;
  /** Every so many, a body begins with its position: see `rawKeptPublisher`. */
  readonly batch: number;
  readonly seconds: number;
}

export const rawReplay: Role<RawReplay, Work> = async ({ address, channel, messages, batch, seconds }) => {
  const completion = new Completion();
  let next = 0;
  const read = (view: DataView, start: number, end: number, position: number): void => {
    if (position !== next) throw new Error(`message ${next} was due, and ${position} has come`);
    for (let at = start; at < end; at += WORD_BYTES + (view.getUint32(at) & SIZE_MASK)) {
      if (next % batch === 0 && view.getFloat64(at + WORD_BYTES) !== next) {
        throw new Error(`another message has come in place of ${next}`);
      }
      next++;
    }
    if (next >= messages) completion.done();
  };
  const assembler = new FrameAssembler((bytes, view, start, end) => {
    const op = view.getUint8(start + OP);
    const payload = start + HEAD + view.getUint16(start + HEAD_LENGTH);
    const head = unpackHead(bytes, start + HEAD, payload);
    if (op === Answer.CHANNEL_MESSAGES) read(view, payload, end, Number(head[1]));
    else if (op !== Answer.RESULT && op !== Op.HELLO)
      throw new Error(`the broker sent op 0x${op.toString(16)}: ${head}`);
  });
  const wire = await openWire(address, (bytes, view, start, end) => assembler.push(bytes, view, start, end));
  sendHello(wire);
  return {
    run: async () => {
      const work = await timed(async () => {
        await completion.wait(seconds, () => {
          const head = [channel, "drop-oldest", { from: "start" }];
          wire.send(encodeFrame(wire, Op.SUBSCRIBE, 0, FIRST_REQUEST, head).bytes);
        });
        return next;
      });
      wire.end();
      return work;
    },
  };
};
