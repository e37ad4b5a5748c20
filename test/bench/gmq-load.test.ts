import fc from "fast-check";
import { expect, test } from "vitest";
import { PopAckPump } from "../../bench/load/pop-ack-pump.js";
import { PublishPump } from "../../bench/load/publish-pump.js";
import { FIRST_REQUEST } from "../../bench/wire/frames.js";
import { AscendingIds } from "../../bench/wire/gmq/ascending-ids.js";
import { frameProtocol } from "../../bench/wire/gmq/frame-protocol.js";
import { lineProtocol } from "../../bench/wire/gmq/line-protocol.js";
import { type GmqProtocol, idEnd } from "../../bench/wire/gmq/protocol.js";
import { ResponseScanner } from "../../bench/wire/gmq/response-scanner.js";
import type { Wire } from "../../bench/wire/wire.js";
import { byteByByte, cuts, feed } from "./stream-pieces.js";

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

const response = (lengthBytes: 2 | 4, type: number, data: string): Buffer => {
  const head = Buffer.alloc(2 + lengthBytes);
  head.writeUInt16BE(type);
  head.writeUIntBE(data.length, 2, lengthBytes);
  return Buffer.concat([head, Buffer.from(data, "latin1")]);
};

/** What is sent, in the order of the writes: as text, and the bytes themselves, as a socket keeps them. */
const recorder = (): { readonly wire: Wire; readonly writes: string[]; readonly kept: Uint8Array[] } => {
  const writes: string[] = [];
  const kept: Uint8Array[] = [];
  const wire = {
    prefixBytes: () => 0,
    framed: (frame: Uint8Array) => frame,
    send: (bytes: Uint8Array) => {
      writes.push(latin1(bytes));
      kept.push(bytes);
    },
    end: () => {},
  };
  return { wire, writes, kept };
};

test.each([2, 4] as const)(
  "a scanner tells the same responses with a length of %i bytes however they are cut",
  (lengthBytes) => {
    const told: readonly (readonly [number, string])[] = [
      [101, "x".repeat(200)],
      [103, ""],
      [103, "ok"],
      [2, "y".repeat(400)],
      [105, ""],
    ];
    const bytes = new Uint8Array(Buffer.concat(told.map(([type, data]) => response(lengthBytes, type, data))));
    const scan = (pieces: readonly number[]): unknown => {
      const heard: unknown[] = [];
      const scanner = new ResponseScanner(lengthBytes, (type, from, start, end) => {
        heard.push([type, latin1(from.subarray(start, end))]);
      });
      feed(bytes, pieces, (...piece) => scanner.push(...piece));
      return heard;
    };
    expect(scan([])).toEqual(told);
    expect(scan(byteByByte)).toEqual(told);
    fc.assert(
      fc.property(cuts, (pieces) => {
        expect(scan(pieces)).toEqual(told);
      }),
    );
  },
);

test("a response that is longer than any is refused, and nothing is allocated for it", () => {
  const scanner = new ResponseScanner(4, () => {});
  const head = new Uint8Array([0, 101, 0xff, 0xff, 0xff, 0xff]);
  expect(() => scanner.push(head, new DataView(head.buffer), 0, head.length)).toThrow("4294967295 bytes");
});

test("ids ascend: the same one or a smaller one is an error, one with another digit is not", () => {
  const of = (...ids: readonly string[]): void => {
    const ascending = new AscendingIds();
    for (const id of ids) ascending.add(Buffer.from(`"${id}"`), 1, 1 + id.length);
  };
  expect(() => of("100", "101", "110", "999", "1000", "1001")).not.toThrow();
  expect(() => of("100", "101", "101")).toThrow("the id 101 came behind 101");
  expect(() => of("199", "200", "199")).toThrow("the id 199 came behind 200");
  expect(() => of("1000", "999")).toThrow("the id 999 came behind 1000");
  expect(() => of("")).toThrow("an id of 0 bytes");
});

const ackOf = (protocol: GmqProtocol, topic: string, message: string): string => {
  const bytes = Buffer.from(message);
  const start = protocol.idStart(bytes, 0, bytes.length);
  const ack = protocol.ack(topic);
  const to = new Uint8Array(ack.maxBytes + 1);
  return latin1(to.subarray(0, ack.write(to, 1, bytes, start, idEnd(bytes, start, bytes.length)))).slice(1);
};

test("lines are encoded as the specification says", () => {
  expect(latin1(lineProtocol.publish("t", 3).bytes)).toBe("pub t  0\n\0\0\0\u0003aaa");
  expect(latin1(lineProtocol.pop("t"))).toBe("pop t default\n");
  const message = '{"id":"384261148721025024","body":"a","retry_count":0}';
  expect(ackOf(lineProtocol, "t", message)).toBe("ack 384261148721025024 t default\n");
  expect(() => ackOf(lineProtocol, "t", '{"body":"a"}')).toThrow("does not begin with its id");
});

test("frames are encoded as the specification says, each job with the id of its number", () => {
  const { bytes, stamp } = frameProtocol.publish("t", 2);
  stamp?.(new DataView(bytes.buffer, bytes.byteOffset), 0, 1_234);
  const job = '{"Id":"t-000000001234","Topic":"t","Delay":0,"TTR":60,"Body":"aa","Status":0,"ConsumeNum":0}';
  expect(latin1(bytes)).toBe(`v111\0\u0004\0${String.fromCharCode(job.length)}push${job}`);
  expect(latin1(frameProtocol.pop("t"))).toBe("v111\0\u0003\0\u0001popt");
  const data = '{"JobId":"t-000000001234"}';
  expect(ackOf(frameProtocol, "t", job)).toBe(`v111\0\u0003\0${String.fromCharCode(data.length)}ack${data}`);
});

test("a pump without request numbers stamps each request and sends no more than the window", async () => {
  const { wire, writes } = recorder();
  const pump = new PublishPump({
    wire,
    frame: { bytes: Buffer.from("-") },
    frames: 5,
    window: 2,
    seconds: 60,
    stamp: (view, at, index) => view.setUint8(at, 0x30 + index),
  });
  const done = pump.run();
  for (let answered = 0; answered < 5; answered++) {
    expect(writes.length).toBe(Math.min(5, answered + 2));
    pump.answer(FIRST_REQUEST + answered, 1);
    pump.proceed();
  }
  await expect(done).resolves.toBe(5);
  expect(writes).toEqual(["0", "1", "2", "3", "4"]);
});

const popAckPump = (messages: number) => {
  const { wire, writes, kept } = recorder();
  const options = { wire, protocol: lineProtocol, topic: "t", messages, batch: 2, batches: 2, seconds: 60 };
  const pump = new PopAckPump(options);
  const answer = (type: number, data: string): void => pump.answer(type, Buffer.from(data), 0, data.length);
  const message = (id: number): void => answer(101, `{"id":"${id}","body":"","retry_count":0}`);
  return { pump, writes, kept, answer, message };
};
const POP = "pop t default\n";
const ackLine = (id: number): string => `ack ${id} t default\n`;

test("a batch's acks go with further pops when all its messages have come, and at the end alone", async () => {
  const { pump, writes, answer, message } = popAckPump(5);
  const done = pump.run();
  expect(writes.splice(0)).toEqual([POP + POP, POP + POP]);
  message(10);
  expect(writes).toEqual([]);
  message(11);
  expect(writes.splice(0)).toEqual([ackLine(10) + ackLine(11) + POP]);
  message(12);
  message(13);
  expect(writes.splice(0)).toEqual([ackLine(12) + ackLine(13)]);
  answer(103, "ok");
  answer(103, "ok");
  answer(105, "ping");
  message(14);
  expect(writes.splice(0)).toEqual([ackLine(14)]);
  for (let i = 0; i < 3; i++) answer(103, "ok");
  await expect(done).resolves.toBe(5);
  expect(writes).toEqual([]);
});

test("the bytes of a batch stay as they are until it is answered", () => {
  const { pump, writes, kept, answer, message } = popAckPump(100);
  void pump.run();
  for (let id = 10; id < 40; id += 2) {
    // All that is under way was written as it still is: nothing that a socket may not have taken yet has changed.
    message(id);
    expect(kept.slice(-2).map(latin1)).toEqual(writes.slice(-2));
    message(id + 1);
    if (id < 12) continue;
    answer(103, "ok");
    answer(103, "ok");
  }
});

test("an answer out of turn, an error or a message that comes twice ends the load", () => {
  const fresh = (): ReturnType<typeof popAckPump> => {
    const load = popAckPump(8);
    void load.pump.run();
    return load;
  };
  expect(() => fresh().answer(103, "ok")).toThrow("a pop was answered 103 ok");
  expect(() => fresh().answer(102, "no message")).toThrow("a pop was answered 102 no message");
  const twice = fresh();
  twice.message(10);
  expect(() => twice.message(10)).toThrow("the id 10 came behind 10");
  const early = fresh();
  for (const id of [10, 11, 12, 13]) early.message(id);
  expect(() => early.message(14)).toThrow("an ack was answered 101");
});
