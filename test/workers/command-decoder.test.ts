import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AHEAD, GIVE_BACK, ONE_BY_ONE, Op, RENEW, REPORTS, WITH_FAILURES } from "../../src/protocol/op.js";
import { decode, numbers, single, text } from "./decoding.js";
import { encodeFrames, entries, type TestFrame } from "./frames.js";

const numberedHead = ["t", null, null, null, "p"];

const numbered = (request: number, sequence: number, body: string): TestFrame => {
  const payload = Buffer.concat([numbers(sequence, 0), entries(body)]);
  return { op: Op.PUBLISH, request, head: numberedHead, payload };
};

describe("PUBLISH", () => {
  test("may have its messages taken one by one", () => {
    const batch = { op: Op.PUBLISH, request: 8, head: ["t"], payload: entries("a", "b") };
    const decoded = decode([
      { ...batch, flags: ONE_BY_ONE },
      { ...batch, request: 9 },
    ]);
    expect(decoded.map((command) => "isOneByOne" in command && command["isOneByOne"])).toEqual([true, false]);
  });

  test("carries its options", () => {
    const payload = entries("a", "bc");
    expect(decode([{ op: Op.PUBLISH, request: 8, head: ["t", "key", 5, 6], payload }])).toEqual([
      {
        op: "publish",
        connection: 3,
        request: 8,
        requests: 1,
        count: 2,
        isOneByOne: false,
        topic: "t",
        routeKey: "key",
        delay: 5,
        ttl: 6,
        producer: "",
        keyWindow: -1,
        sequence: 0,
        answered: 0,
        payload: text(payload),
      },
    ]);
  });

  test("consecutive single publishes with one head become one command", () => {
    const decoded = decode([single(5, "one"), single(6, ""), single(7, "three")]);
    expect(decoded).toHaveLength(1);
    expect(decoded[0]).toMatchObject({
      request: 5,
      requests: 3,
      count: 3,
      payload: text(entries("one", "", "three")),
    });
  });

  test.each([
    ["the request number does not continue", single(9, "b")],
    ["the head differs", single(6, "b", ["t", "", 1])],
    ["the topic differs", single(6, "b", ["u"])],
    ["the frame has two messages", { op: Op.PUBLISH, request: 6, head: ["t"], payload: entries("b", "c") }],
    [
      "the message has headers",
      { op: Op.PUBLISH, request: 6, head: ["t"], payload: Buffer.from("8000000300006 2".replaceAll(" ", ""), "hex") },
    ],
    ["it is another request", { op: Op.POP, request: 6, head: ["t"] }],
  ])("are not merged when %s", (_, second) => {
    const decoded = decode([single(5, "a"), second, single(7, "c")]);
    expect(decoded).toHaveLength(3);
    expect(decoded[0]).toMatchObject({ request: 5, requests: 1 });
    expect(decoded[1]).not.toHaveProperty("error");
    expect(decoded[2]).toMatchObject({ request: 7, requests: 1, payload: text(entries("c")) });
  });

  test("carries the numbers of its producer", () => {
    const payload = Buffer.concat([numbers(2 ** 40 + 7, 2 ** 33), entries("a", "b")]);
    const [command] = decode([{ op: Op.PUBLISH, request: 8, head: numberedHead, payload }]);
    const sequence = 2 ** 40 + 7;
    expect(command).toMatchObject({ producer: "p", sequence, answered: 2 ** 33, payload: text(entries("a", "b")) });
  });

  test("single publishes whose numbers continue become one command", () => {
    const decoded = decode([
      numbered(5, 100, "one"),
      numbered(6, 101, ""),
      numbered(7, 102, "three"),
      numbered(8, 102, "x"),
    ]);
    expect(decoded).toHaveLength(2);
    const payload = text(entries("one", "", "three"));
    expect(decoded[0]).toMatchObject({ request: 5, requests: 3, count: 3, sequence: 100, payload });
    expect(decoded[1]).toMatchObject({ request: 8, requests: 1, sequence: 102, payload: text(entries("x")) });
  });

  test.each([
    ["none", Buffer.alloc(0)],
    ["half of them", numbers(1, 0).subarray(0, 15)],
    ["nothing behind them", numbers(1, 0)],
    ["an answer that comes first", Buffer.concat([numbers(1, 2), entries("a")])],
    ["a number that no double holds", Buffer.concat([Buffer.alloc(8, 0xff), Buffer.alloc(8), entries("a")])],
    ["a number too near to that", Buffer.concat([numbers(Number.MAX_SAFE_INTEGER, 0), entries("a")])],
  ])("is refused with numbers such as %s", (_, payload) => {
    const frames = [{ op: Op.PUBLISH, request: 8, head: numberedHead, payload }, numbered(9, 3, "next")];
    expect(decode(frames)).toMatchObject([
      { error: "BAD_PAYLOAD", request: 8 },
      { request: 9, sequence: 3 },
    ]);
  });

  test("numbers that are cut off in a second frame do not merge it", () => {
    const cut = { op: Op.PUBLISH, request: 6, head: numberedHead, payload: numbers(101, 0).subarray(0, 7) };
    expect(decode([numbered(5, 100, "one"), cut])).toMatchObject([
      { request: 5, requests: 1 },
      { error: "BAD_PAYLOAD", request: 6 },
    ]);
  });

  test("at most a batch is merged", () => {
    const decoded = decode(Array.from({ length: 25 }, (_, i) => single(i + 1, `m${i}`)));
    expect(decoded.map((command) => ("requests" in command ? command["requests"] : 0))).toEqual([10, 10, 5]);
  });

  test("whatever is merged, every message arrives once under its request", () => {
    const frame = fc.record({
      skip: fc.boolean(),
      topic: fc.constantFrom("t", "u"),
      body: fc.string({ maxLength: 40 }),
    });
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 40 }), (sent) => {
        let request = 0;
        const frames = sent.map(({ skip, topic, body }) => {
          request += skip ? 2 : 1;
          return single(request, body, [topic]);
        });
        const got: unknown[] = [];
        for (const command of decode(frames)) {
          if (!("payload" in command)) throw new Error("an error");
          const bytes = Buffer.from(String(command["payload"]), "latin1");
          let at = 0;
          for (let i = 0; i < Number(command["count"]); i++) {
            const size = bytes.readUInt32BE(at);
            got.push([Number(command["request"]) + i, command["topic"], bytes.toString("utf8", at + 4, at + 4 + size)]);
            at += 4 + size;
          }
          expect(at).toBe(bytes.length);
        }
        expect(got).toEqual(frames.map((f, i) => [f.request, sent[i]?.topic, sent[i]?.body]));
      }),
    );
  });

  test.each([
    ["no payload", new Uint8Array(0), "BAD_PAYLOAD"],
    ["a word that is cut", Buffer.from("000000", "hex"), "BAD_PAYLOAD"],
    ["a size past the end", Buffer.from("0000000261", "hex"), "BAD_PAYLOAD"],
    ["a reserved bit", Buffer.from("4000000161", "hex"), "BAD_PAYLOAD"],
    ["headers without a length", Buffer.from("8000000161", "hex"), "BAD_PAYLOAD"],
    ["headers past the end", Buffer.from("800000030002 61".replaceAll(" ", ""), "hex"), "BAD_PAYLOAD"],
    ["a message above the limit", entries("x".repeat(1001)), "MESSAGE_TOO_LARGE"],
    ["more messages than a batch has", entries(..."abcdefghijk"), "TOO_MANY_MESSAGES"],
  ])("%s is refused", (_, payload, error) => {
    const good = single(2, "good");
    expect(decode([{ op: Op.PUBLISH, request: 1, head: ["t"], payload }, good])).toMatchObject([
      { error, request: 1 },
      { request: 2, count: 1 },
    ]);
  });

  test.each([
    ["a head that is not an array", { a: 1 }, "BAD_HEAD"],
    ["no topic", [], "BAD_HEAD"],
    ["a topic that is a number", [5], "BAD_HEAD"],
    ["an empty topic", [""], "BAD_NAME"],
    ["a control character", ["a\nb"], "BAD_NAME"],
    ["a name that is too long", ["x".repeat(21)], "BAD_NAME"],
    ["a name of few characters and many bytes", ["€".repeat(7)], "BAD_NAME"],
    ["a negative delay", ["t", "", -1], "BAD_HEAD"],
    ["a delay that is no whole number", ["t", "", 1.5], "BAD_HEAD"],
    ["a delay of more than ten years", ["t", "", 400_000_000_000], "BAD_HEAD"],
    ["an element too many", ["t", "", 0, 0, 0], "BAD_HEAD"],
  ])("%s is refused, twice as well as once", (_, head, error) => {
    const bad: TestFrame = { op: Op.PUBLISH, head: head as unknown[], payload: entries("a") };
    expect(decode([bad, { ...bad, request: 2 }])).toEqual([
      { error, request: 1 },
      { error, request: 2 },
    ]);
  });

  test("a name that is not UTF-8 is refused", () => {
    const rawHead = Buffer.from("91a26180", "hex");
    expect(decode([{ op: Op.PUBLISH, rawHead, payload: entries("a") }])).toEqual([{ error: "BAD_NAME", request: 1 }]);
  });
});

describe("other requests", () => {
  test("have their defaults", () => {
    const to = { connection: 3, request: 1, topic: "t", queue: "default" };
    expect(decode([{ op: Op.POP, head: ["t"] }])).toEqual([
      { op: "pop", ...to, max: 1, wait: 0, maxBytes: 1024 * 1024 },
    ]);
    expect(decode([{ op: Op.CONSUME, flags: RENEW, head: ["t", null, 7] }])).toEqual([
      { op: "consume", ...to, credit: 7, renew: true, reports: false },
    ]);
    expect(decode([{ op: Op.PURGE, head: ["t"] }])).toEqual([{ op: "purge", ...to, state: "ready" }]);
  });

  test("what a consumer's client says of itself", () => {
    const to = { connection: 3, topic: "t", queue: "default" };
    const seen = { op: "seen", ...to, request: 0, consumer: 5 };
    const payload = Buffer.from("0000004d 00000ff0 00000003 0000002a".replaceAll(" ", ""), "hex");
    expect(
      decode([
        { op: Op.CONSUME, request: 1, flags: RENEW | REPORTS, head: ["t"] },
        { op: Op.SEEN, request: 0, head: ["t", "", 5], payload },
        { op: Op.SEEN, request: 0, flags: AHEAD, head: ["t", "", 5] },
        { op: Op.CREDIT, request: 0, head: ["t", "", 5, -7] },
        { op: Op.STOP, request: 2, flags: GIVE_BACK, head: ["t", "", 5] },
      ]),
    ).toEqual([
      { op: "consume", ...to, request: 1, credit: 0, renew: true, reports: true },
      { ...seen, delivery: 42, idLow: 0xff2, renews: false },
      { ...seen, delivery: 0, idLow: 0, renews: true },
      { op: "credit", ...to, request: 0, consumer: 5, credit: -7 },
      { op: "stop", ...to, request: 2, consumer: 5, givesBack: true },
    ]);
  });

  test("what a producer has had the answers to", () => {
    expect(decode([{ op: Op.ANSWERED, request: 0, head: ["t", "p", 2 ** 40] }])).toEqual([
      { op: "answered", connection: 3, request: 0, topic: "t", producer: "p", answered: 2 ** 40 },
    ]);
  });

  test("an answer gathers no more than a frame has room for", () => {
    expect(decode([{ op: Op.POP, head: ["t", "", 1_000_000, 0, 1_000_000_000] }])).toMatchObject([
      // 2 MB of entries, and as much for runs of 32 bytes and a route key of 255.
      { max: 6968, maxBytes: 2_000_000 },
    ]);
  });

  test.each([
    ["a payload where none is taken", { op: Op.POP, head: ["t"], payload: entries("a") }, "BAD_PAYLOAD"],
    ["an op that does not exist", { op: 0x7f, head: ["t"] }, "UNKNOWN_OP"],
    ["a selection that is cut", { op: Op.ACK, head: ["t"], payload: new Uint8Array(15) }, "BAD_PAYLOAD"],
    ["a selection of nothing", { op: Op.ACK, head: ["t"], payload: new Uint8Array(16) }, "BAD_PAYLOAD"],
    ["two selections of a SEEN", { op: Op.SEEN, head: ["t", "", 5], payload: new Uint8Array(32) }, "BAD_PAYLOAD"],
    ["a SEEN that is cut", { op: Op.SEEN, head: ["t", "", 5], payload: new Uint8Array(15) }, "BAD_PAYLOAD"],
    ["an unknown state", { op: Op.PURGE, head: ["t", "", "gone"] }, "BAD_HEAD"],
    ["an unknown configuration key", { op: Op.CONFIGURE, head: ["t", { nope: 1 }] }, "BAD_CONFIG"],
    ["a key of Object.prototype", { op: Op.CONFIGURE, head: ["t", { constructor: 1 }] }, "BAD_CONFIG"],
    [
      "a configuration value of any length",
      { op: Op.CONFIGURE, head: ["t", { ttr: "x".repeat(60_000) }] },
      "BAD_CONFIG",
    ],
    ["a TTR of nothing", { op: Op.CONFIGURE, head: ["t", { ttr: 0 }] }, "BAD_CONFIG"],
  ])("%s is refused", (_, frame, error) => {
    expect(decode([frame])).toEqual([{ error, request: 1 }]);
  });

  test("a nack says how and why, and the failures of messages are told to those who ask", () => {
    const nack = (...args: readonly unknown[]): TestFrame => ({ op: Op.NACK, head: ["t", "", ...args] });
    expect(
      decode([
        nack(),
        nack(0),
        nack(5, true, "店\n"),
        nack(null, null, "x".repeat(2049)),
        nack(0, false, "店".repeat(683)),
      ]),
    ).toMatchObject([
      { delay: undefined, reject: false, reason: "" },
      { delay: 0, reject: false, reason: "" },
      { delay: 5, reject: true, reason: "店\n" },
      { delay: undefined, reject: false, reason: "x".repeat(2048) },
      { delay: 0, reject: false, reason: "店".repeat(682) },
    ]);
    for (const reason of [5, {}, true]) {
      expect(decode([nack(0, false, reason)])).toEqual([{ error: "BAD_HEAD", request: 1 }]);
    }
    const invalid = encodeFrames([nack(0, false, "~")]);
    invalid[invalid.indexOf("~".charCodeAt(0))] = 0xff;
    expect(decode(invalid)).toMatchObject([{ reason: "\ufffd" }]);
    for (const op of [Op.BROWSE, Op.POP_DEAD]) {
      expect(decode([{ op, head: ["t"], flags: WITH_FAILURES }])).toMatchObject([{ withFailures: true }]);
      expect(decode([{ op, head: ["t"] }])).toMatchObject([{ withFailures: false }]);
    }
  });

  test("a retry policy has the values that it can have", () => {
    const configure = (config: object) => decode([{ op: Op.CONFIGURE, head: ["t", config] }]);
    const good = { retryDelay: 0, retryFactor: 1.5, retryMaxDelay: 1, retryJitter: 0.25, retryMaxAge: 9 };
    expect(configure(good)).toMatchObject([{ config: good }]);
    for (const bad of [
      { retryDelay: 1.5 },
      { retryDelay: -1 },
      { retryFactor: 0.9 },
      { retryFactor: 1001 },
      { retryFactor: Number.NaN },
      { retryFactor: "2" },
      { retryMaxDelay: 400_000_000_000 },
      { retryJitter: 1.01 },
      { retryJitter: -0.1 },
      { retryMaxAge: Number.POSITIVE_INFINITY },
    ]) {
      expect(configure(bad)).toEqual([{ error: "BAD_CONFIG", request: 1 }]);
    }
  });

  test("a selection past the ids of its millisecond is refused", () => {
    const payload = Buffer.from("000000010000 0fff 00000002 00000000".replaceAll(" ", ""), "hex");
    expect(decode([{ op: Op.ACK, head: ["t"], payload }])).toEqual([{ error: "BAD_PAYLOAD", request: 1 }]);
  });

  test("a request selects a bounded number of messages", () => {
    const payload = Buffer.alloc(17 * 16);
    for (let i = 0; i < 17; i++) payload.writeUInt32BE(4096, i * 16 + 8);
    expect(decode([{ op: Op.ACK, head: ["t"], payload }])).toEqual([{ error: "TOO_MANY_MESSAGES", request: 1 }]);
  });

  test("an error of a frame that wants no answer has none", () => {
    expect(decode([{ op: Op.CREDIT, request: 0, head: ["t", "", 0, 0] }])).toEqual([]);
  });

  test("whole frames of random bytes make commands or errors, never an exception", () => {
    const frame = fc.record({
      op: fc.constantFrom(...Object.values(Op)),
      rawHead: fc.uint8Array({ maxLength: 30 }),
      payload: fc.uint8Array({ maxLength: 60 }),
    });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 5 }), (frames) => {
        expect(decode(frames)).toHaveLength(frames.length);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("requests of channels", () => {
  const epoch = "264905529753604096";
  const to = { connection: 3, request: 1, channel: "c" };
  const slice = entries("a", "b");

  test.each<[number, readonly unknown[], object, Uint8Array?]>([
    [Op.SUBSCRIBE, ["c"], { op: "subscribe", ...to, overflow: "drop-oldest" }],
    [Op.SUBSCRIBE, ["c", null, null], { op: "subscribe", ...to, overflow: "drop-oldest" }],
    [Op.SUBSCRIBE, ["c", "conflate", {}], { op: "subscribe", ...to, overflow: "conflate", options: {} }],
    [
      Op.SUBSCRIBE,
      ["c", "block", { position: 5, epoch, recover: true, credit: 0, from: null }],
      { op: "subscribe", ...to, overflow: "block", options: { position: 5, epoch, recover: true, credit: 0 } },
    ],
    [Op.PUBLISH_CHANNEL, ["c", "k"], { op: "publishChannel", ...to, key: "k", count: 2, payload: text(slice) }, slice],
    [Op.CHANNEL_CREDIT, ["c", 7], { op: "channelCredit", ...to, credit: 7 }],
    [Op.CONFIGURE_CHANNEL, ["c", { keep: true }], { op: "configureChannel", ...to, config: { keep: true } }],
    [Op.DELETE_CHANNEL, ["c"], { op: "deleteChannel", ...to }],
    [Op.CHANNEL_STATS, ["c"], { op: "channelStats", ...to }],
    [Op.CHANNELS, [0, "b", 5], { op: "channels", connection: 3, request: 1, after: "b", max: 5 }],
  ])("%i with %j", (op, head, command, payload) => {
    expect(decode([{ op, request: 1, head, ...(payload !== undefined && { payload }) }])).toEqual([command]);
  });

  test.each<[string, number, readonly unknown[]]>([
    ["BAD_HEAD", Op.SUBSCRIBE, ["c", "drop-some"]],
    ["BAD_HEAD", Op.SUBSCRIBE, ["c", "block", 5]],
    ["BAD_HEAD", Op.SUBSCRIBE, ["c", "block", { start: 0 }]],
    ["BAD_HEAD", Op.SUBSCRIBE, ["c", "block", { from: "end" }]],
    ["BAD_HEAD", Op.SUBSCRIBE, ["c", "block", { position: -1 }]],
    ["BAD_HEAD", Op.SUBSCRIBE, ["c", "block", { position: 1, epoch: "01" }]],
    ["BAD_HEAD", Op.SUBSCRIBE, ["c", "block", { epoch }]],
    ["BAD_HEAD", Op.SUBSCRIBE, ["c", "block", {}, 1]],
    ["BAD_HEAD", Op.CONFIGURE_CHANNEL, ["c"]],
    ["BAD_CONFIG", Op.CONFIGURE_CHANNEL, ["c", { history: 65_537 }]],
    ["BAD_CONFIG", Op.CONFIGURE_CHANNEL, ["c", { ttr: 1 }]],
    ["BAD_HEAD", Op.CHANNEL_CREDIT, ["c", 0]],
  ])("%s for %i with %j", (error, op, head) => {
    expect(decode([{ op, request: 1, head }])).toEqual([{ error, request: 1 }]);
  });
});
