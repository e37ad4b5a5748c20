import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Op } from "../../src/protocol/op.js";
import { entries, frame, receiptsOf } from "../main/frames.js";
import { type TestBroker, testBroker } from "./brokers.js";
import { NativeClient } from "./native-client.js";

const HELLO = frame(Op.HELLO, 1, [1, "fuzz"]);

/** Frames that are laid out well and make little sense, and bytes that are not frames. */
const anyFrame = fc
  .record({
    op: fc.oneof(fc.constantFrom(...Object.values(Op)), fc.integer({ min: 0, max: 255 })),
    flags: fc.integer({ min: 0, max: 255 }),
    request: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 0xffff_ffff })),
    head: fc.array(fc.oneof(fc.string({ maxLength: 8 }), fc.integer(), fc.constant(null), fc.boolean()), {
      maxLength: 5,
    }),
    payload: fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.array(fc.string({ maxLength: 20 }), { minLength: 1, maxLength: 4 }).map((bodies) => entries(...bodies)),
    ),
  })
  .map(({ op, flags, request, head, payload }) => frame(op, request, head, payload, flags));

const cut = fc
  .tuple(anyFrame, fc.nat({ max: 40 }))
  .map(([bytes, by]) => bytes.subarray(0, Math.max(0, bytes.length - by)));

const damaged = fc.tuple(anyFrame, fc.nat(), fc.integer({ min: 0, max: 255 })).map(([bytes, at, value]) => {
  const copy = Buffer.from(bytes);
  copy[at % copy.length] = value;
  return copy;
});

const anyBytes = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));

const input = fc.record({
  greets: fc.boolean(),
  pieces: fc.array(fc.oneof({ weight: 4, arbitrary: anyFrame }, damaged, cut, anyBytes), { maxLength: 12 }),
  /** Bytes written at a time. */
  step: fc.constantFrom(1, 7, 1_000),
});

/** Sends what it is given and goes away; the broker may have closed long before. */
const disturb = async (port: number, { greets, pieces, step }: { greets: boolean; pieces: Buffer[]; step: number }) => {
  const client = await NativeClient.open(port);
  const bytes = Buffer.concat(greets ? [HELLO, ...pieces] : pieces);
  for (let at = 0; at < bytes.length && !client.isClosed; at += step)
    client.socket.write(bytes.subarray(at, at + step));
  client.socket.end();
  await client.closed;
};

const RUNS = Number(process.env["RINGMQ_FUZZ_RUNS"] ?? 150);

describe("a broker under random input", () => {
  it("answers or closes, and other connections do not notice", async () => {
    const broker: TestBroker = await testBroker({ maxFrameBytes: 4_096, maxMessageBytes: 2_048, shards: 2 });
    const steady = await NativeClient.greeted(broker.tcp);
    let published = 0;
    await fc.assert(
      fc.asyncProperty(input, async (bytes) => {
        const before = disturb(broker.tcp, bytes);
        published++;
        steady.send(frame(Op.PUBLISH, published + 1, ["steady"], entries(`message ${published}`)));
        await before;
        expect(receiptsOf(await steady.next())).toEqual([{ request: published + 1, requests: 1, messages: 1 }]);
      }),
      { numRuns: RUNS },
    );
    const popped = await steady.ask(Op.POP, 0x7000_0000, ["steady", "", published, 1_000]);
    for (const n of [1, published]) expect(popped.payload.includes(`message ${n}`)).toBe(true);
  });
});
