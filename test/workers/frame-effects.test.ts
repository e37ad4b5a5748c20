/** Receipts share frames; every other effect is a frame of its own. */
import { expect, test } from "vitest";
import { EnvelopeOp } from "../../src/channel/envelope.js";
import { allocateRing } from "../../src/channel/ring.js";
import { RingReader } from "../../src/channel/ring-reader.js";
import { RingWriter } from "../../src/channel/ring-writer.js";
import { unpackHead } from "../../src/protocol/head.js";
import { Answer } from "../../src/protocol/op.js";
import { ChannelHead } from "../../src/workers/channel-head.js";
import { FrameEffects } from "../../src/workers/frame-effects.js";
import { Outbound } from "../../src/workers/outbound.js";

/** Writes effects to a real ring and reads them back. */
const staged = () => {
  const memory = allocateRing(64 * 1024);
  const outbound = new Outbound(new RingWriter(memory));
  const effects = new FrameEffects(outbound);
  const reader = new RingReader(memory, 1024 * 1024);
  const read = (): { envelope: readonly number[]; frames: { op: number; request: number; payload: string }[] }[] => {
    effects.finish();
    outbound.flush();
    const records: ReturnType<typeof read> = [];
    reader.drain((envelope, bytes, view, start, end) => {
      const frames = [];
      for (let at = start; at < end; at += 4 + view.getUint32(at)) {
        const payload = at + 12 + view.getUint16(at + 6);
        const hex = Buffer.from(bytes.slice(payload, at + 4 + view.getUint32(at))).toString("hex");
        frames.push({ op: view.getUint8(at + 4), request: view.getUint32(at + 8), payload: hex });
      }
      records.push({ envelope: [...envelope], frames });
    }, 100);
    return records;
  };
  const fanOut = (connections: readonly number[], entries: string): void => {
    effects.openChannel(connections, "news", 0, 0, 0);
    effects.channelEntries(Buffer.from(entries, "hex"), 0, entries.length / 2);
    effects.closeChannel();
  };
  return { effects, read, fanOut };
};

const receipt = (request: number, requests: number, high: number, low: number, messages: number): string =>
  [request, requests, high, low, messages].map((word) => word.toString(16).padStart(8, "0")).join("");

test("receipts of one connection share a frame, and those that continue share a receipt", () => {
  const { effects, read } = staged();
  effects.confirm(1, 10, 1, 5, 100, 1, 1);
  effects.confirm(1, 11, 3, 5, 101, 3, 1);
  effects.confirm(1, 14, 1, 5, 104, 1, 1);
  effects.confirm(1, 15, 1, 5, 105, 200, 1);
  effects.confirm(1, 16, 1, 5, 305, 1, 1);
  const payload = receipt(10, 5, 5, 100, 5) + receipt(15, 1, 5, 105, 200) + receipt(16, 1, 5, 305, 1);
  expect(read()).toEqual([{ envelope: [EnvelopeOp.FRAMES, 1], frames: [{ op: Answer.CONFIRM, request: 0, payload }] }]);
});

test.each([
  ["the ids do not continue", [11, 1, 5, 102, 1]],
  ["the requests do not continue", [12, 1, 5, 101, 1]],
  ["the ids are of another high word", [11, 1, 6, 101, 1]],
  ["one has no id", [11, 1, 0, 0, 1]],
  ["one counts several messages", [11, 1, 5, 101, 2]],
] as const)("receipts stay apart when %s", (_, second) => {
  const { effects, read } = staged();
  const [request, requests, high, low, messages] = second;
  effects.confirm(1, 10, 1, 5, 100, 1, 1);
  effects.confirm(1, request, requests, high, low, messages, 1);
  const payload = receipt(10, 1, 5, 100, 1) + receipt(request, requests, high, low, messages);
  expect(read()[0]?.frames[0]?.payload).toBe(payload);
});

test("receipts without ids are counted together only when each stands for one message", () => {
  const { effects, read } = staged();
  effects.confirm(1, 1, 1, 0, 0, 1, 1);
  effects.confirm(1, 2, 1, 0, 0, 1, 1);
  effects.confirm(1, 3, 1, 0, 0, 0, 1);
  effects.confirm(1, 4, 1, 0, 0, 0, 1);
  const payload = receipt(1, 2, 0, 0, 2) + receipt(3, 1, 0, 0, 0) + receipt(4, 1, 0, 0, 0);
  expect(read()[0]?.frames[0]?.payload).toBe(payload);
});

test("the answers of a connection stay in order around its receipts", () => {
  const { effects, read } = staged();
  effects.confirm(1, 1, 1, 0, 0, 0, 1);
  effects.fail(1, 2, "NO_TOPIC", "no such topic");
  effects.confirm(1, 3, 1, 0, 0, 0, 1);
  effects.confirm(2, 1, 1, 0, 0, 0, 1);
  const records = read();
  expect(records.map(({ envelope }) => envelope[1])).toEqual([1, 2]);
  expect(records[0]?.frames.map(({ op }) => op)).toEqual([Answer.CONFIRM, Answer.ERROR, Answer.CONFIRM]);
});

test("a text that repeats a client's own words is cut to fit into a head", () => {
  const { effects, read } = staged();
  effects.fail(1, 1, "BAD_CONFIG", "x".repeat(100_000));
  effects.consumerClosed(1, 2, "TOPIC_DELETED", "y".repeat(100_000));
  expect(read()[0]?.frames.map(({ op }) => op)).toEqual([Answer.ERROR, Answer.CONSUMER_CLOSED]);
});

test("fan-outs to one audience share a record", () => {
  const { read, fanOut } = staged();
  const audience = [4, 7, 9];
  fanOut(audience, "0000000161");
  fanOut(audience, "0000000162");
  fanOut([4], "0000000163");
  expect(read().map(({ frames }) => frames.map(({ payload }) => payload))).toEqual([
    ["0000000161", "0000000162"],
    ["0000000163"],
  ]);
});

test("a fan-out is one record for all its connections", () => {
  const { effects, read, fanOut } = staged();
  fanOut([4, 7, 9], "0000000161");
  effects.close(7, "SLOW_SUBSCRIBER", "too slow");
  expect(read()).toMatchObject([
    { envelope: [EnvelopeOp.FAN_OUT, 4, 7, 9], frames: [{ op: Answer.CHANNEL_MESSAGES, payload: "0000000161" }] },
    { envelope: [EnvelopeOp.CLOSE, 7], frames: [{ op: Answer.ERROR }] },
  ]);
});

test.each([
  ["news", 0, 0, 0],
  ["news", 2 ** 40 + 5, 7, 0xffff_ffff],
  ["ü".repeat(127), 0xffff_ffff, 0x8000_0000, 1],
])("the head of messages of channel %s at %i", (channel, position, high, low) => {
  const head = new ChannelHead();
  head.pack("another", 1, 2, 3);
  const packed = head.pack(channel, position, high, low);
  const ids = high === 0 ? [] : [high, low];
  expect(unpackHead(packed, 0, packed.length)).toEqual([channel, position, ...ids]);
});
