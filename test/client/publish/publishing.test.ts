import { describe, expect, it } from "vitest";
import { formatId } from "../../../src/protocol/id.js";
import { Op } from "../../../src/protocol/op.js";
import { bodiesOf, confirm, confirming, connected, error, hello } from "../scripted-broker.js";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("publishes of one turn of the event loop", () => {
  it("travel in one frame and have the ids of its confirmation, in the order of the calls", async () => {
    const { client, broker } = await connected();
    confirming(broker);
    const receipts = await Promise.all(["a", "b", "c"].map((body) => client.publish("orders", body)));
    expect(receipts.map(({ id }) => id)).toEqual([100, 101, 102].map((low) => formatId(1, low)));
    expect(receipts[0]?.durability).toBe("write");
    expect(JSON.parse(JSON.stringify(receipts[0]))).toEqual({ id: formatId(1, 100), durability: "write" });
    expect((await broker.seen(Op.PUBLISH)).map(bodiesOf)).toEqual([["a", "b", "c"]]);
    expect((await broker.nth(Op.PUBLISH)).head).toEqual(["orders"]);
  });

  it("travel together though the program awaits something else between them", async () => {
    const { client, broker } = await connected();
    confirming(broker);
    const loop = async (name: string): Promise<void> => {
      for (let i = 0; i < 3; i++) await Promise.resolve();
      await client.publish("orders", name);
    };
    await Promise.all([loop("a"), client.publish("orders", "b"), loop("c")]);
    expect((await broker.seen(Op.PUBLISH)).map(bodiesOf)).toEqual([["b", "a", "c"]]);
  });

  it("do not wait for the next turn", async () => {
    const { client, broker } = await connected();
    confirming(broker);
    const first = client.publish("orders", "a");
    await turn();
    await Promise.all([first, client.publish("orders", "b")]);
    expect((await broker.seen(Op.PUBLISH, 2)).map(bodiesOf)).toEqual([["a"], ["b"]]);
  });

  it("have a frame for each topic, however they alternate", async () => {
    const { client, broker } = await connected();
    confirming(broker);
    await Promise.all(["a", "b", "c", "d"].map((body, i) => client.publish(`topic-${i % 2}`, body)));
    const seen = await broker.seen(Op.PUBLISH, 2);
    expect(seen.map(({ head }) => head)).toEqual([["topic-0"], ["topic-1"]]);
    expect(seen.map(bodiesOf)).toEqual([
      ["a", "c"],
      ["b", "d"],
    ]);
  });

  it("go to more topics than frames may grow at a time", async () => {
    const { client, broker } = await connected();
    confirming(broker);
    await Promise.all(Array.from({ length: 300 }, (_, i) => client.publish(`topic-${i % 150}`, `${i}`)));
    const bodies = (await broker.seen(Op.PUBLISH, 150)).flatMap(bodiesOf);
    expect(bodies.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 300 }, (_, i) => i));
  });

  it("end the frame of their topic when their options differ, so that the order stays", async () => {
    const { client, broker } = await connected();
    confirming(broker);
    await Promise.all([
      client.publish("orders", "a"),
      client.publish("orders", "b", { routeKey: "eu" }),
      client.publish("orders", "c", { routeKey: "eu" }),
      client.publish("orders", "d", { routeKey: "eu", delay: 50 }),
      client.publish("orders", "e", { ttl: 70 }),
      client.publish("orders", "f"),
    ]);
    const seen = await broker.seen(Op.PUBLISH, 5);
    expect(seen.map(bodiesOf)).toEqual([["a"], ["b", "c"], ["d"], ["e"], ["f"]]);
    expect(seen.map(({ head }) => head)).toEqual([
      ["orders"],
      ["orders", "eu"],
      ["orders", "eu", 50],
      ["orders", null, null, 70],
      ["orders"],
    ]);
  });

  it("go before whatever is asked for after them", async () => {
    const { client, broker } = await connected();
    void client.publish("orders", "a").catch(() => {});
    void client.ping().catch(() => {});
    void client.publish("orders", "b").catch(() => {});
    await broker.seen(Op.PUBLISH, 2);
    expect(broker.frames.map(({ op }) => op)).toEqual([Op.HELLO, Op.PUBLISH, Op.PING, Op.PUBLISH]);
  });
});

describe("a large publish", () => {
  it("goes behind what was asked for before it and before what comes after", async () => {
    const { client, broker } = await connected();
    void client.ping().catch(() => {});
    void client.publish("orders", "x".repeat(100_000)).catch(() => {});
    void client.stats("orders").catch(() => {});
    await broker.nth(Op.STATS);
    expect(broker.frames.map(({ op }) => op)).toEqual([Op.HELLO, Op.PING, Op.PUBLISH, Op.STATS]);
  });
});

describe("a frame of publishes", () => {
  it("has no more messages than the broker allows", async () => {
    const { client, broker } = await connected({}, hello({ maxBatchMessages: 3 }));
    confirming(broker);
    await Promise.all(["a", "b", "c", "d"].map((body) => client.publish("orders", body)));
    expect((await broker.seen(Op.PUBLISH, 2)).map(bodiesOf)).toEqual([["a", "b", "c"], ["d"]]);
  });

  it("has about 48 KiB", async () => {
    const { client, broker } = await connected();
    confirming(broker);
    await Promise.all(Array.from({ length: 10 }, () => client.publish("orders", new Uint8Array(20_000))));
    const seen = await broker.seen(Op.PUBLISH, 5);
    expect(seen.map((frame) => bodiesOf(frame).length)).toEqual([2, 2, 2, 2, 2]);
  });

  it("stays below the broker's limit though a character takes three bytes", async () => {
    const { client, broker } = await connected({}, hello({ maxFrameBytes: 2000, maxMessageBytes: 1500 }));
    confirming(broker);
    await Promise.all(Array.from({ length: 30 }, () => client.publish("orders", "€".repeat(100))));
    for (const { payload } of broker.frames) expect(payload.length).toBeLessThan(1900);
    expect(broker.frames.filter(({ op }) => op === Op.PUBLISH).flatMap(bodiesOf)).toHaveLength(30);
  });

  it("that is refused rejects its messages and no others", async () => {
    const { client, broker } = await connected();
    broker.answer = ({ request, head }) => {
      if (head[0] === "full") broker.send(error(request, 17, "the queue is full", true, false));
      else broker.send(confirm({ request, high: 1, low: 1 }));
    };
    const refused = [client.publish("full", "a"), client.publish("full", "b")];
    const taken = client.publish("orders", "c");
    for (const promise of refused) {
      await expect(promise).rejects.toMatchObject({
        code: "QUEUE_FULL",
        retryable: true,
        message: "the queue is full",
      });
    }
    await taken;
  });

  it("may be confirmed with those behind it", async () => {
    const { client, broker } = await connected();
    const receipts = [];
    for (const body of ["a", "b", "c"]) {
      receipts.push(client.publish("orders", body));
      await turn();
    }
    const [first] = await broker.seen(Op.PUBLISH, 3);
    broker.send(confirm({ request: first?.request ?? 0, requests: 3, high: 1, low: 50, messages: 3 }));
    const ids = (await Promise.all(receipts)).map(({ id }) => id);
    expect(ids).toEqual([50, 51, 52].map((low) => formatId(1, low)));
  });
});

describe("a message", () => {
  it("is text as UTF-8 or bytes, with headers or without, and may be empty", async () => {
    const { client, broker } = await connected();
    const big = "ü".repeat(20_000);
    for (const body of ["hé€🎈", Uint8Array.of(0, 255), "", big]) void client.publish("orders", body).catch(() => {});
    void client.publish("orders", "with", { headers: { a: 1 } }).catch(() => {});
    const { payload } = await broker.nth(Op.PUBLISH);
    const expected = ["hé€🎈", Buffer.of(0, 255), "", big].flatMap((body) => {
      const bytes = Buffer.from(body);
      const word = Buffer.alloc(4);
      word.writeUInt32BE(bytes.length);
      return [word, bytes];
    });
    // The headers are a map with one entry: 0x81, "a", 1.
    expected.push(Buffer.of(0x80, 0, 0, 10, 0, 4, 0x81, 0xa1, 0x61, 1), Buffer.from("with"));
    expect(payload.equals(Buffer.concat(expected))).toBe(true);
  });

  it("above the broker's limit is refused alone", async () => {
    const { client, broker } = await connected({}, hello({ maxMessageBytes: 10 }));
    confirming(broker);
    const kept = [client.publish("orders", "x".repeat(10)), client.publish("orders", "€€€")];
    const refused = [
      client.publish("orders", new Uint8Array(11)),
      client.publish("orders", "€€€€"),
      client.publish("orders", "x", { headers: { header: 1 } }),
    ];
    for (const promise of refused) await expect(promise).rejects.toMatchObject({ code: "MESSAGE_TOO_LARGE" });
    await Promise.all(kept);
    expect((await broker.seen(Op.PUBLISH)).flatMap(bodiesOf)).toEqual(["x".repeat(10), "€€€"]);
  });

  it("of another type, or to a name that fits no frame, is refused", async () => {
    const { client } = await connected();
    await expect(client.publish("orders", 5 as unknown as string)).rejects.toMatchObject({ code: "BAD_ARGUMENT" });
    await expect(client.publish("n".repeat(70_000), "x")).rejects.toMatchObject({ code: "BAD_ARGUMENT" });
    expect(client.pendingBytes).toBe(0);
  });
});

describe("a batch that is published at once", () => {
  it("is one frame, and tells its ids", async () => {
    const { client, broker } = await connected();
    confirming(broker);
    const receipt = await client.publishBatch("orders", ["a", "b"], { delay: 5 });
    expect(receipt.ids).toEqual([100, 101].map((low) => formatId(1, low)));
    expect(receipt.count).toBe(2);
    expect(receipt.durability).toBe("write");
    expect((await broker.nth(Op.PUBLISH)).head).toEqual(["orders", null, 5]);
  });

  it("is several when the broker's limits ask for it", async () => {
    const { client, broker } = await connected({}, hello({ maxBatchMessages: 2, maxFrameBytes: 40 }));
    confirming(broker);
    const receipt = await client.publishBatch("t", ["a", "b", "c", "0123456789abcdefghijklmn", "d"]);
    expect(receipt.ids).toEqual([100, 101, 102, 103, 104].map((low) => formatId(1, low)));
    const seen = await broker.seen(Op.PUBLISH, 4);
    expect(seen.map(bodiesOf)).toEqual([["a", "b"], ["c"], ["0123456789abcdefghijklmn"], ["d"]]);
  });

  it("comes behind what was published to its topic before", async () => {
    const { client, broker } = await connected();
    confirming(broker);
    await Promise.all([client.publish("t", "a"), client.publishBatch("t", ["b"]), client.publish("t", "c")]);
    expect((await broker.seen(Op.PUBLISH, 3)).map(bodiesOf)).toEqual([["a"], ["b"], ["c"]]);
  });

  it("of nothing is taken without asking", async () => {
    const { client, broker } = await connected();
    expect((await client.publishBatch("t", [])).ids).toEqual([]);
    expect(broker.frames).toHaveLength(1);
  });
});
