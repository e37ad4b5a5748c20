import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AnswerFrame, NOTHING } from "../../../src/main/native/answer-frame.js";
import { AnswerOrder } from "../../../src/main/native/answer-order.js";
import { FrameWriter, HEAD } from "../../../src/protocol/frame.js";

/** An answer whose payload is its request. */
const answerTo = (request: number): AnswerFrame => {
  const writer = new FrameWriter();
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(request);
  writer.open(0x82, 0, request, new Uint8Array(0));
  writer.append(payload);
  writer.close();
  const bytes = new Uint8Array(writer.written());
  return {
    ...NOTHING,
    request,
    bytes,
    view: new DataView(bytes.buffer),
    headStart: HEAD,
    headEnd: HEAD,
    payloadStart: HEAD,
    payloadEnd: bytes.length,
  };
};

const orderWithFaults = () => {
  const faults: unknown[] = [];
  return { order: new AnswerOrder((error) => faults.push(error)), faults };
};

/** The number behind `request`, as sessions count. */
const after = (request: number, step: number): number => ((request + step - 1) % 0xffff_ffff) + 1;

describe("answers in order", () => {
  it("are handed over in the order of their requests, whatever order they come in", () => {
    const step = fc.record({
      kind: fc.constantFrom("expect", "run", "answer", "answer"),
      which: fc.nat(),
      skip: fc.integer({ min: 1, max: 3 }),
    });
    const first = fc.constantFrom(1, 1_000, 0xffff_fff0);
    fc.assert(
      fc.property(first, fc.array(step, { maxLength: 600 }), (start, steps) => {
        const { order, faults } = orderWithFaults();
        const wanted: number[] = [];
        const got: number[] = [];
        const waiting: number[] = [];
        let request: number = start;
        for (const { kind, which, skip } of steps) {
          if (kind === "answer") {
            const [answered] = waiting.splice(which % Math.max(1, waiting.length), 1);
            if (answered !== undefined) expect(order.answer(answered, answerTo(answered))).toBe(true);
            continue;
          }
          const number = after(request, skip);
          request = number;
          wanted.push(number);
          if (kind === "run") {
            order.run(number, () => got.push(number));
            continue;
          }
          waiting.push(number);
          order.expect(number, ({ view, payloadStart }) => got.push(view.getUint32(payloadStart)));
        }
        expect(order.waiting).toBe(waiting.length);
        expect(order.unanswered()).toEqual(waiting);
        expect(order.length).toBe(wanted.length - got.length);
        for (const left of waiting.toReversed()) order.answer(left, answerTo(left));
        expect(got).toEqual(wanted);
        expect([order.length, order.waiting, order.bytes]).toEqual([0, 0, 0]);
        expect(faults).toEqual([]);
      }),
    );
  });

  it("are not taken twice, nor for what nobody has asked", () => {
    const { order } = orderWithFaults();
    order.expect(5, () => {});
    order.expect(7, () => {});
    expect([4, 6, 8].map((request) => order.answer(request, answerTo(request)))).toEqual([false, false, false]);
    expect([7, 7, 5, 5].map((request) => order.answer(request, answerTo(request)))).toEqual([true, false, true, false]);
  });

  it("go on behind a handler that throws, and to one that asks again", () => {
    const { order, faults } = orderWithFaults();
    const got: string[] = [];
    order.expect(1, () => {
      got.push("first");
      order.expect(4, () => got.push("last"));
      throw new Error("of a front end");
    });
    order.expect(2, () => got.push("second"));
    order.run(3, () => got.push("own"));
    order.answer(2, answerTo(2));
    order.answer(1, answerTo(1));
    order.answer(4, answerTo(4));
    expect(got).toEqual(["first", "second", "own", "last"]);
    expect(faults).toHaveLength(1);
  });

  it("give back the room that many of them took, also while some are always expected", () => {
    const { order, faults } = orderWithFaults();
    const many = 16_384;
    const frame = answerTo(1);
    let got = 0;
    const ask = (request: number): void => order.expect(request, () => got++);
    for (let request = 1; request <= many; request++) ask(request);
    expect(order.capacity).toBe(many);
    for (let answered = 0; answered < 2 * many; answered += 2) {
      ask(many + answered / 2 + 1);
      order.answer(answered + 1, frame);
      order.answer(answered + 2, frame);
    }
    expect([got, order.length]).toEqual([2 * many, 0]);
    expect(order.capacity).toBeLessThanOrEqual(1024);
    expect(faults).toEqual([]);
  });
});
