/** WATCH: what a broker tells of itself, byte by byte, over each transport; and through the end of a shard. */
import { describe, expect, it } from "vitest";
import { hashOf } from "../../src/main/access/token-hash.js";
import { SAMPLE_COLUMNS, SHARD_SAMPLE_COLUMNS, sampleWidth } from "../../src/protocol/broker-sample.js";
import { errorName } from "../../src/protocol/errors.js";
import { unpackResult } from "../../src/protocol/head.js";
import { Answer, Op } from "../../src/protocol/op.js";
import { type Frame, frame } from "../main/frames.js";
import { testBroker } from "./brokers.js";
import { clientOf } from "./clients.js";
import { NativeClient } from "./native-client.js";
import { authority, opened, secured } from "./tls-brokers.js";

/** Samples come as fast as the seam allows. */
const FAST = { sweepEvery: 5 };

const codeOf = ({ op, head }: Frame): string => (op === Answer.ERROR ? (errorName(Number(head[0])) ?? "") : `op ${op}`);

describe("a broker that is watched", () => {
  it("answers these bytes, then sends a sample in each frame until it is told to stop", async () => {
    const { tcp } = await testBroker({ shards: 2 }, FAST);
    const client = await NativeClient.greeted(tcp);
    const width = sampleWidth(2) * 8;
    // length, op, flags, the length of the head, the number
    client.send(Buffer.from("00000008 64 00 0000 00000002".replaceAll(" ", ""), "hex"));
    const answer = await client.answer(2);
    expect(answer).toMatchObject({ op: Answer.RESULT, flags: 0, head: [] });
    const { payload } = answer;
    const [told] = unpackResult(payload, 0, payload.length) as [[string[], string[], number, Uint8Array]];
    expect(told.slice(0, 3)).toEqual([SAMPLE_COLUMNS, SHARD_SAMPLE_COLUMNS, 2]);
    expect(told[3].length % width).toBe(0);
    expect(told[3].length).toBeGreaterThan(0);
    const sample = await client.next();
    expect(sample).toMatchObject({ op: Answer.SAMPLE, flags: 0, request: 0, head: [] });
    expect(sample.payload).toHaveLength(width);
    // A number of the broker, and the first of each shard: it is up.
    const places = [1, SAMPLE_COLUMNS.length, SAMPLE_COLUMNS.length + SHARD_SAMPLE_COLUMNS.length];
    expect(places.map((place) => sample.payload.readDoubleBE(place * 8))).toEqual([1, 1, 1]);
    const next = await client.next();
    expect(next.payload.readDoubleBE(0)).toBeGreaterThanOrEqual(sample.payload.readDoubleBE(0));
    // It is sent once, however often it asks, and no more after the answer to UNWATCH.
    client.send(frame(Op.WATCH, 3), frame(Op.UNWATCH, 4), frame(Op.UNWATCH, 5), frame(Op.PING, 6));
    const after: Frame[] = [];
    while (after.at(-1)?.request !== 6) after.push(await client.next());
    const confirmed = after.filter(({ op }) => op === Answer.CONFIRM);
    expect(confirmed.map(({ payload: receipt }) => receipt.toString("hex"))).toEqual([
      "0000000400000001000000000000000000000001",
      "0000000500000001000000000000000000000000",
    ]);
    const stopped = after.indexOf(confirmed[0] as Frame);
    expect(after.slice(stopped).filter(({ op }) => op === Answer.SAMPLE)).toEqual([]);
    const other = await clientOf(tcp);
    await using watch = await other.watch();
    for (let i = 0; i < 3; i++) await watch.next();
    client.send(frame(Op.PING, 7));
    expect(await client.next()).toMatchObject({ request: 7 });
  });

  it("refuses heads that are none, and who may not operate; and frames that are too small for samples", async () => {
    const token = "ringmq_reader";
    const permissions = [{ topics: "*", allow: ["consume", "manage", "publish"] as const }];
    const users = [{ name: "reader", tokens: [{ hash: hashOf(token) }], permissions }];
    const { tcp } = await testBroker({ maxFrameBytes: 1024, maxMessageBytes: 512, shards: 4 });
    const client = await NativeClient.greeted(tcp);
    const heads = [["x"], [null], [1, 2, 3]];
    for (const op of [Op.WATCH, Op.UNWATCH]) {
      for (const head of heads) {
        client.send(frame(op, 2, head));
        expect(codeOf(await client.next())).toBe("BAD_HEAD");
      }
      client.send(Buffer.from(`0000000a ${op.toString(16)} 00 0002 00000002 c1ff`.replaceAll(" ", ""), "hex"));
      expect(codeOf(await client.next())).toBe("BAD_HEAD");
    }
    client.send(frame(Op.WATCH, 0));
    expect(codeOf(await client.next())).toBe("BAD_FRAME");
    const guarded = await testBroker({ users });
    const reader = await NativeClient.open(guarded.tcp);
    reader.send(frame(Op.HELLO, 1, [1, "test", token]), frame(Op.WATCH, 2), frame(Op.UNWATCH, 3));
    await reader.answer(1);
    expect([codeOf(await reader.answer(2)), codeOf(await reader.answer(3))]).toEqual(["FORBIDDEN", "FORBIDDEN"]);
    const small = await NativeClient.greeted(tcp);
    small.send(frame(Op.WATCH, 2));
    expect(codeOf(await small.answer(2))).toBe("NOT_ALLOWED");
  });

  it("answers those with BUSY who ask again and again, and read none of it", async () => {
    const { tcp } = await testBroker({ maxOutgoingBytes: 64 * 1024 }, FAST);
    const other = await clientOf(tcp);
    const watch = await other.watch();
    // So that an answer has some length.
    for (let i = 0; i < 100; i++) await watch.next();
    const client = await NativeClient.greeted(tcp);
    client.socket.pause();
    client.send(...Array.from({ length: 5_000 }, (_, i) => frame(Op.WATCH, i + 2)));
    for (let i = 0; i < 5; i++) await watch.next();
    client.socket.resume();
    client.send(frame(Op.PING, 9_000));
    const codes = new Map<string, number>();
    for (;;) {
      const next = await client.next();
      if (next.request === 9_000) break;
      if (next.request !== 0) codes.set(codeOf(next), (codes.get(codeOf(next)) ?? 0) + 1);
    }
    expect((codes.get("BUSY") ?? 0) + (codes.get(`op ${Answer.RESULT}`) ?? 0)).toBe(5_000);
    expect(codes.get("BUSY")).toBeGreaterThan(0);
  });

  it("is watched over TLS as well, on both ports", async () => {
    const { tcp, http } = await secured({ shards: 2 });
    for (const url of [`tls://localhost:${tcp}`, `wss://localhost:${http}/mq`]) {
      const client = await opened(url, { tls: { ca: authority.cert } });
      const watch = await client.watch();
      expect(watch.history.length).toBeGreaterThan(0);
      expect((await watch.next()).value?.shards.map(({ up }) => up)).toEqual([true, true]);
      await watch.return();
    }
  });

  it("counts what it does, and counts on when a shard begins again", async () => {
    const { broker, tcp, http } = await testBroker({ shards: 2 }, FAST);
    const client = await clientOf(tcp);
    const page = await opened(`ws://127.0.0.1:${http}/mq`, {});
    await client.publishBatch("counted", ["a", "b", "c"]);
    const [first] = await client.pop("counted");
    await first?.ack();
    const [second] = await client.pop("counted");
    await second?.nack();
    await client.publish("counted", "later", { delay: 600_000 });
    await client.pop("counted");
    const watch = await page.watch();
    const until = async (holds: (sample: Awaited<ReturnType<typeof watch.next>>["value"]) => boolean | undefined) => {
      for await (const sample of { [Symbol.asyncIterator]: () => ({ next: () => watch.next() }) }) {
        if (holds(sample)) return sample;
      }
      throw new Error("the watch has ended");
    };
    const wanted = { published: 4, acked: 1, redelivered: 1, ready: 1, inFlight: 1, delayed: 1, dead: 0 };
    const counted = await until((sample) =>
      Object.entries(wanted).every(([key, value]) => sample?.[key as keyof typeof wanted] === value),
    );
    expect(counted).toMatchObject({ delivered: 3, connections: 2, deadLettered: 0, expired: 0 });
    expect(counted.oldestReadyAge).toBeGreaterThan(0);
    expect(counted.memoryLimitBytes).toBeGreaterThan(counted.memoryBytes);
    expect(counted.diskFreeBytes).toBeGreaterThan(0);
    const shard = counted.shards.findIndex(({ published }) => published > 0);
    let last = 0;
    let wasDown = false;
    await broker.supervisor.kill(shard);
    await until((sample) => {
      if (sample === undefined) return false;
      expect(sample.published).toBeGreaterThanOrEqual(last);
      last = sample.published;
      const { up, ready } = sample.shards[shard] as (typeof sample.shards)[number];
      if (!up) expect(ready).toBe(0);
      wasDown ||= !up;
      return up && wasDown && sample.ready > 0;
    });
    expect(last).toBe(4);
    await client.publish("counted", "d");
    await until((sample) => sample?.published === 5);
    await watch.return();
  });
});
