/** PUBLISH of messages with keys, as the decoder reads it; and what it refuses. */
import { describe, expect, test } from "vitest";
import { BY_KEY, Op } from "../../src/protocol/op.js";
import { decode, numbers, single, text } from "./decoding.js";
import { entries, type TestFrame } from "./frames.js";

describe("a PUBLISH with keys", () => {
  const keyed = (
    request: number,
    keys: string,
    bodies: readonly string[],
    { window = 0, more = 0, head = [] as unknown[] } = {},
  ) => {
    const size = Buffer.alloc(4);
    size.writeUInt32BE(keys.length + more);
    const start = head.length > 0 ? numbers(5, 0) : Buffer.alloc(0);
    const payload = Buffer.concat([start, size, Buffer.from(keys, "latin1"), entries(...bodies)]);
    return { op: Op.PUBLISH, request, head: ["t", null, null, null, head[0] ?? null, window], payload };
  };
  const two = "\x01a\x02bc";

  test("has them before its entries, behind its numbers", () => {
    const decoded = decode([keyed(1, two, ["x", "y"], { window: 9 }), keyed(2, "\x00", ["z"], { head: ["p"] })]);
    expect(decoded).toMatchObject([
      { keyWindow: 9, count: 2, keys: two, payload: text(entries("x", "y")), producer: "" },
      { keyWindow: 0, count: 1, keys: "\x00", payload: text(entries("z")), producer: "p", sequence: 5 },
    ]);
  });

  test("is not merged with others, and others are not with it", () => {
    const keyless = single(2, "b");
    const decoded = decode([keyed(1, "\x01a", ["a"]), keyless, keyed(3, "\x01c", ["c"]), keyed(4, "\x01c", ["c"])]);
    expect(decoded).toMatchObject([0, -1, 0, 0].map((keyWindow) => ({ requests: 1, keyWindow })));
  });

  test.each([
    ["fewer keys than messages", keyed(1, "\x01a", ["x", "y"])],
    ["more keys than messages", keyed(1, two, ["x"])],
    ["a key that is cut short", keyed(1, "\x01a\x09b", ["x", "y"])],
    ["keys beyond the end of the frame", keyed(1, two, ["x", "y"], { more: 1000 })],
    ["keys of 4 GiB", keyed(1, two, ["x", "y"], { more: 0xffff_fff0 })],
    ["nothing where the keys should be", { ...keyed(1, "", []), payload: Buffer.alloc(3) }],
    ["keys and no messages", keyed(1, two, [])],
  ])("has %s: BAD_PAYLOAD, and nobody else suffers", (_, frame) => {
    expect(decode([frame, single(2, "b")])).toMatchObject([{ error: "BAD_PAYLOAD", request: 1 }, { requests: 1 }]);
  });

  test.each([[-1], [1.5], ["1"], [10 * 365 * 24 * 3600 * 1000 + 1], [true]])(
    "has a key window of %s: BAD_HEAD",
    (window) => {
      const frame = keyed(1, two, ["x", "y"], { window: window as number });
      expect(decode([frame, single(2, "b")])).toMatchObject([{ error: "BAD_HEAD", request: 1 }, { requests: 1 }]);
    },
  );
});

describe("a request that names messages by their keys", () => {
  const request = (op: number, payload: string, flags = BY_KEY): TestFrame => ({
    ...{ op, flags, request: 1, head: ["t"] },
    payload: Buffer.from(payload, "latin1"),
  });
  const selection = (count: number): string =>
    Buffer.from(`${"0".repeat(24)}0000000${count}`, "hex").toString("latin1");

  test("has keys for its payload, or selections without the flag", () => {
    expect(decode([request(Op.CANCEL, "\x01a\x02bc")])).toMatchObject([
      { op: "cancel", byKey: true, payload: "\x01a\x02bc" },
    ]);
    expect(decode([request(Op.RESCHEDULE, "\x01a")])).toMatchObject([{ op: "reschedule", byKey: true, queue: null }]);
    const id = `\x00\x00\x00\x07\x00\x00\x00\x09\x00\x00\x00\x01\x00\x00\x00\x00`;
    expect(decode([request(Op.CANCEL, id, 0)])).toMatchObject([{ byKey: false, payload: id }]);
    expect(decode([request(Op.LOOKUP, id, 0)])).toMatchObject([{ op: "lookup", key: undefined, idHigh: 7, idLow: 9 }]);
    expect(decode([request(Op.LOOKUP, "\x02bc")])).toMatchObject([{ key: new Uint8Array([0x62, 0x63]) }]);
  });

  test.each([
    ["no key", Op.CANCEL, ""],
    ["an empty key", Op.RESCHEDULE, "\x01a\x00"],
    ["a key that is cut short", Op.CANCEL, "\x01a\x05b"],
    ["two keys of a LOOKUP", Op.LOOKUP, "\x01a\x01b"],
    ["no key of a LOOKUP", Op.LOOKUP, ""],
    ["no id of a LOOKUP", Op.LOOKUP, "", 0],
    ["two ids of a LOOKUP", Op.LOOKUP, selection(2), 0],
    ["too few bytes of an id", Op.LOOKUP, "\x01a", 0],
  ])("has %s: BAD_PAYLOAD, and nobody else suffers", (_, op, payload, flags = BY_KEY) => {
    const decoded = decode([request(op, payload, flags), single(2, "b")]);
    expect(decoded).toMatchObject([{ error: "BAD_PAYLOAD", request: 1 }, { requests: 1 }]);
  });

  test("names a bounded number of them", () => {
    expect(decode([request(Op.CANCEL, "\x01a".repeat(4097))])).toMatchObject([{ error: "TOO_MANY_MESSAGES" }]);
    expect(decode([request(Op.CANCEL, "\x01a".repeat(4096))])).toMatchObject([{ op: "cancel" }]);
  });
});
