/**
 * What a load patches into each frame: times, delays and topics.
 */
import { WORD_BYTES } from "#protocol/entry.js";
import { ANSWERED, SEQUENCE, writeNumber } from "#protocol/numbers.js";
import { monotonicMicros } from "../measure/clock.js";
import type { WireFrame } from "../wire/frames.js";
import type { Stamp } from "./publish-pump.js";

const DIGITS = 6;
const ZERO = 0x30;

/** A topic's name of constant length, in which the digits can be patched: `topic-000042`. */
export const topicName = (index: number): string => `topic-${String(index).padStart(DIGITS, "0")}`;

/** Cycles through `topics` topics. The frame's head must hold `topicName(0)`. */
export const topicStamp = (frame: WireFrame, topics: number): Stamp => {
  const head = Buffer.from(frame.bytes.buffer, frame.headAt, frame.payloadAt - frame.headAt);
  const name = head.indexOf(topicName(0));
  if (name < 0) throw new Error("the head does not hold the topic's name");
  const last = frame.headAt + name + topicName(0).length - 1;
  return (view, at, index) => {
    let rest = index % topics;
    for (let digit = at + last; digit > at + last - DIGITS; digit--) {
      view.setUint8(digit, ZERO + (rest % 10));
      rest = Math.floor(rest / 10);
    }
  };
};

/** A delay that msgpack encodes as a u32, which can be patched. */
export const PATCHED_DELAY = 0xffff_ffff;

/**
 * Gives each frame a delay of its own, so that the frames become due in mixed order, spread evenly over `spreadMs` from
 * `afterMs` on. The first body begins with the time at which its frame is due. The frame's head must end with
 * PATCHED_DELAY.
 */
export const delayStamp = (frame: WireFrame, frames: number, afterMs: number, spreadMs: number): Stamp => {
  const delayAt = frame.payloadAt - 4;
  const dueAt = frame.payloadAt + WORD_BYTES;
  let start = 0;
  return (view, at, index) => {
    const now = monotonicMicros();
    if (start === 0) start = now;
    // 7,919 is prime, so this visits every position once, in mixed order, unless it divides the number of frames.
    const position = ((index * 7919) % frames) / frames;
    const due = start / 1000 + afterMs + position * spreadMs;
    const delay = Math.max(1, Math.ceil(due - now / 1000));
    view.setUint32(at + delayAt, delay);
    view.setFloat64(at + dueAt, now + delay * 1000);
  };
};

/** Numbers the messages of each frame, of which no more than `window` are unanswered. Its payload begins with the numbers. */
export const numberStamp = (frame: WireFrame, batch: number, window: number): Stamp => {
  const at = frame.payloadAt;
  return (view, begin, index) => {
    writeNumber(view, begin + at + SEQUENCE, index * batch);
    writeNumber(view, begin + at + ANSWERED, Math.max(0, index - window) * batch);
  };
};

/** The first body begins with the time at which its frame was written. */
export const timeStamp = (frame: WireFrame): Stamp => {
  const timeAt = frame.payloadAt + WORD_BYTES;
  return (view, at) => view.setFloat64(at + timeAt, monotonicMicros());
};
