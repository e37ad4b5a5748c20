/**
 * Bodies that cannot be sent. Only they are refused, and nothing of them is sent.
 */
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { Op } from "../../../src/protocol/op.js";
import { bodiesOf, confirm, confirming, connected, hello, type ScriptedBroker } from "../scripted-broker.js";
import { unhandledRejections } from "../unhandled-rejections.js";

/** Bytes whose buffer was transferred to another thread. */
const transferred = (size = 10): Uint8Array => {
  const body = new Uint8Array(size);
  structuredClone(body.buffer, { transfer: [body.buffer] });
  return body;
};

interface Resizable extends ArrayBuffer {
  resize(size: number): void;
}

/** A resizable buffer, which can shrink. */
const resizable = (size: number): Resizable => Reflect.construct(ArrayBuffer, [size, { maxByteLength: 64 }]);

const shrunk = (): Uint8Array => {
  const buffer = resizable(16);
  const body = new Uint8Array(buffer, 8, 8);
  buffer.resize(4);
  return body;
};

/** Bytes in a Proxy, which calls the program at every access. */
const proxied = (): Uint8Array =>
  new Proxy(new Uint8Array(3), {
    get: () => {
      throw new Error("asked");
    },
    getPrototypeOf: () => {
      throw new Error("asked");
    },
  });

const imposter = { [Symbol.toStringTag]: "Uint8Array", length: 3, 0: 97, 1: 98, 2: 99 };

const REFUSED: readonly (readonly [string, () => Uint8Array])[] = [
  ["bytes whose buffer was transferred", transferred],
  ["bytes whose buffer has shrunk", shrunk],
  ["bytes behind a Proxy", proxied],
  ["what says that it is bytes", () => imposter as never],
  ["bytes of another width", () => new Uint16Array(2) as never],
];

const published = (broker: ScriptedBroker): string[][] =>
  broker.frames.filter(({ op }) => op === Op.PUBLISH || op === Op.PUBLISH_CHANNEL).map(bodiesOf);

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const refusal = (index?: number): object => ({
  name: "RingmqError",
  code: "BAD_ARGUMENT",
  message: expect.stringMatching(index === undefined ? /^body must be/ : new RegExp(`^bodies\\[${index}\\] must be`)),
});

describe.each(REFUSED)("%s", (_, body) => {
  it("are refused alone and leave no trace", async () => {
    const unhandled = unhandledRejections();
    const { client, broker } = await connected();
    confirming(broker);
    await expect(client.publish("t", body())).rejects.toMatchObject(refusal());
    await expect(client.publishToChannel("t", body())).rejects.toMatchObject(refusal());
    await expect(client.publishBatch("t", ["a", body(), "c"])).rejects.toMatchObject(refusal(1));
    await turn();
    expect([published(broker), client.pendingBytes]).toEqual([[], 0]);
    await client.drain();
    expect(unhandled).toEqual([]);
  });

  it("leave the messages around them as they are, in the same turn and after", async () => {
    const { client, broker } = await connected();
    confirming(broker);
    const outcomes = await Promise.allSettled([
      client.publish("t", body()),
      client.publish("t", "a"),
      client.publish("t", body()),
      client.publish("t", "b"),
      client.publish("t", body(), { routeKey: "eu" }),
      client.publish("t", "c"),
    ]);
    await client.publish("t", "d");
    expect(outcomes.map(({ status }) => status === "fulfilled")).toEqual([false, true, false, true, false, true]);
    expect(published(broker)).toEqual([["a", "b", "c"], ["d"]]);
    expect(client.pendingBytes).toBe(0);
  });
});

describe("a body", () => {
  it("is taken as it is in shared memory, in a buffer that can grow, of another realm and of a class of its own", async () => {
    const { client, broker } = await connected();
    confirming(broker);
    const shared = new Uint8Array(new SharedArrayBuffer(8), 2, 3);
    const growing = new Uint8Array(resizable(3));
    class Odd extends Uint8Array {
      override get length(): number {
        throw new Error("asked");
      }
    }
    const bytes = [shared, growing, runInNewContext("new Uint8Array(3)"), Buffer.alloc(3), new Odd(3)];
    for (const [i, each] of bytes.entries()) Uint8Array.prototype.fill.call(each, 97 + i);
    await Promise.all([...bytes, new Uint8Array(0)].map((each) => client.publish("t", each)));
    await client.publishBatch("t", bytes);
    const texts = ["aaa", "bbb", "ccc", "ddd", "eee"];
    expect(published(broker)).toEqual([[...texts, ""], texts]);
  });

  it("that is taken away by what is read beside it is refused, and leaves no trace", async () => {
    const { client, broker } = await connected();
    confirming(broker);
    const lost = new Uint8Array(5);
    const takesAway = (): number => structuredClone(lost.buffer, { transfer: [lost.buffer] }).byteLength;
    const before = client.publish("t", "a");
    const headers = Object.defineProperty({}, "x", { get: takesAway, enumerable: true });
    await expect(client.publish("t", lost, { headers })).rejects.toMatchObject(refusal());
    const other = new Uint8Array(5);
    const bodies = Object.defineProperty([other, "b"], 1, {
      get: () => `${structuredClone(other.buffer, { transfer: [other.buffer] }).byteLength}`,
    });
    await expect(client.publishBatch("t", bodies)).rejects.toMatchObject(refusal(0));
    await before;
    expect([published(broker), client.pendingBytes]).toEqual([[["a"]], 0]);
  });

  it("whose headers close the client is told that it is closed", async () => {
    const { client, broker } = await connected();
    const before = client.publish("t", "a");
    const headers = Object.defineProperty({}, "x", {
      get: () => {
        void client.close();
        return 1;
      },
      enumerable: true,
    });
    await expect(client.publish("t", "b", { headers })).rejects.toMatchObject({ code: "CLIENT_CLOSED" });
    await expect(before).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
    await broker.nth(Op.PUBLISH);
    expect(published(broker)).toEqual([["a"]]);
  });

  it("that is taken away while its batch waits for room is refused, and leaves no trace", async () => {
    const unhandled = unhandledRejections();
    const { client, broker } = await connected({ maxPendingBytes: 300 }, hello({ maxBatchMessages: 1 }));
    const body = new Uint8Array(100);
    const batch = client.publishBatch("t", [new Uint8Array(100), body]);
    const { request } = await broker.nth(Op.PUBLISH);
    structuredClone(body.buffer, { transfer: [body.buffer] });
    broker.send(confirm({ request }));
    await expect(batch).rejects.toMatchObject(refusal(1));
    await turn();
    expect([published(broker).length, client.pendingBytes, unhandled]).toEqual([1, 0, []]);
  });
});
