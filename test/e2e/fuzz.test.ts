import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Log } from "../../src/main/log.js";
import { ERRORS } from "../../src/protocol/errors.js";
import { Answer, Op } from "../../src/protocol/op.js";
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
    // An answer is no longer than a frame may be.
    for (let popped = 0; popped < published; ) {
      const { payload } = await steady.ask(Op.POP, 0x7000_0000, ["steady", "", published, 1_000]);
      const before = popped;
      while (payload.includes(`message ${popped + 1}`)) popped++;
      expect(popped).toBeGreaterThan(before);
    }
  });

  it("keeps its shard under long keys, long values and hundreds of requests at once with long answers", async () => {
    const deaths: string[] = [];
    const note = (_: object, text: string): void => {
      deaths.push(text);
    };
    const log: Log = { debug: () => {}, info: () => {}, warn: note, error: note };
    const { tcp } = await testBroker({ log });
    const client = await NativeClient.greeted(tcp);

    const long = "k".repeat(65_500);
    const odd = [{ [long]: 1 }, { mode: long }, { msgTtr: long }, { [long.slice(0, 32_000)]: long.slice(0, 32_000) }];
    for (const [i, config] of odd.entries()) {
      const { op, head } = await client.ask(Op.CONFIGURE, 2 + i, ["odd", config]);
      expect([op, head[0]]).toEqual([Answer.ERROR, ERRORS.BAD_CONFIG.code]);
    }

    const topics = Array.from({ length: 1_000 }, (_, i) => `${"t".repeat(250)}${i}`);
    client.send(...topics.map((topic, i) => frame(Op.CONFIGURE, 100 + i, [topic, {}])));
    for (const _ of topics) expect((await client.next()).op).toBe(Answer.RESULT);

    const asked = topics
      .slice(0, 600)
      .map((topic, i) =>
        i % 3 === 0
          ? frame(Op.TOPICS, 2_000 + i, [0, "", 1_000])
          : i % 3 === 1
            ? frame(Op.STATS, 2_000 + i, [topic])
            : frame(Op.POP, 2_000 + i, [topic, "", 1, 0]),
      );
    client.send(...asked);
    const answered = new Set<number>();
    while (answered.size < asked.length) {
      const { op, request, head } = await client.next();
      expect([op, head[0]]).not.toEqual([Answer.ERROR, ERRORS.SHARD_RESTARTED.code]);
      answered.add(request);
    }
    expect(deaths).toEqual([]);
  });
});
