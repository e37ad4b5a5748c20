import { describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { MAX_WEBSOCKET_MESSAGE_BYTES } from "../../src/protocol/limits.js";
import { Answer, Op } from "../../src/protocol/op.js";
import { entries, type Frame, frame, receiptsOf } from "../main/frames.js";
import { testBroker } from "./brokers.js";
import { NativeClient } from "./native-client.js";

/** The bodies of a MESSAGES frame, when none has headers or a route key. */
const bodiesOf = ({ payload }: Frame): string[] => {
  const bodies: string[] = [];
  for (let at = 0; at < payload.length; ) {
    const end = at + 32 + payload.readUInt32BE(at + 12);
    at += 32;
    while (at < end) {
      const length = payload.readUInt32BE(at);
      bodies.push(payload.subarray(at + 4, at + 4 + length).toString());
      at += 4 + length;
    }
  }
  return bodies;
};

const confirmedOf = (answer: Frame): number => receiptsOf(answer).reduce((total, { messages }) => total + messages, 0);

/** A shard that sends without end to whoever speaks to it, whatever it is told. */
const FLOOD = new URL("../main/fixtures/flood-thread.mjs", import.meta.url);

/** Resolves when what is watched has not changed for so many looks. */
const settled = async (look: () => number, looks = 20): Promise<number> => {
  let last = look();
  for (let same = 0; same < looks; ) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    same = look() === last ? same + 1 : 0;
    last = look();
  }
  return last;
};

describe("back-pressure", () => {
  it("stops reading connections that fill a ring, and loses and reorders nothing", async () => {
    // The ring holds 8 records of 8 KiB: each connection below fills it many times over.
    const { tcp } = await testBroker({ ringBytes: 64 * 1024 });
    const total = 300;
    const publish = async (which: number): Promise<void> => {
      const client = await NativeClient.greeted(tcp);
      for (let i = 0; i < total; i++) {
        const body = `${which}:${i}:`.padEnd(i % 10 === 0 ? 90_000 : 3_000, "x");
        client.send(frame(Op.PUBLISH, 10 + i, [`queue-${which}`], entries(body)));
      }
      let confirmed = 0;
      while (confirmed < total) confirmed += confirmedOf(await client.next());
      await client.end();
    };
    await Promise.all([0, 1, 2].map(publish));

    const consumer = await NativeClient.greeted(tcp);
    for (const which of [0, 1, 2]) {
      const bodies: string[] = [];
      while (bodies.length < total) {
        bodies.push(...bodiesOf(await consumer.ask(Op.POP, 5, [`queue-${which}`, "", 1_000, 1_000])));
      }
      expect(bodies.map((body) => body.split(":", 2).join(":"))).toEqual(
        Array.from({ length: total }, (_, i) => `${which}:${i}`),
      );
    }
  });

  it("pauses deliveries to a connection that does not read, and goes on when it does", {
    timeout: 90_000,
  }, async () => {
    const { tcp } = await testBroker({ maxOutgoingBytes: 256 * 1024 });
    const publisher = await NativeClient.greeted(tcp);
    const total = 6_000;
    for (let i = 0; i < total; i++) {
      publisher.send(frame(Op.PUBLISH, 10 + i, ["slow"], entries(`${i}:`.padEnd(16_000, "x"))));
    }
    let confirmed = 0;
    while (confirmed < total) confirmed += confirmedOf(await publisher.next());

    const consumer = await NativeClient.greeted(tcp);
    consumer.socket.pause();
    consumer.send(frame(Op.CONSUME, 2, ["slow", "", total]));
    // What the broker has let go is in flight: it stops at what sockets (Linux lets them grow to 36 MB), rings and the
    // limit hold, well before 96 MB.
    let inFlight = 0;
    const look = async (): Promise<void> => {
      const { payload } = await publisher.ask(Op.STATS, 5, ["slow"]);
      inFlight = Number(/inFlight(?:\xcd|[^a-z])/.exec(payload.toString("latin1")) === null ? 0 : countOf(payload));
    };
    const countOf = (payload: Buffer): number => {
      const at = payload.indexOf("inFlight") + "inFlight".length;
      const byte = payload.readUInt8(at);
      return byte === 0xcd ? payload.readUInt16BE(at + 1) : byte === 0xcc ? payload.readUInt8(at + 1) : byte;
    };
    for (let last = -1; last !== inFlight || inFlight === 0; ) {
      last = inFlight;
      await settled(() => 0, 10);
      await look();
    }
    expect(inFlight).toBeLessThan(total / 2);

    consumer.socket.resume();
    const bodies: string[] = [];
    while (bodies.length < total) {
      const next = await consumer.next();
      if (next.op === Answer.MESSAGES) bodies.push(...bodiesOf(next));
    }
    expect(bodies.map((body) => Number(body.split(":", 1)[0]))).toEqual(Array.from({ length: total }, (_, i) => i));
  });

  it("does not read a connection that does not read its answers", async () => {
    const { tcp, broker } = await testBroker({ maxOutgoingBytes: 64 * 1024 });
    const client = await NativeClient.greeted(tcp);
    client.socket.pause();
    const pings = Buffer.concat(Array.from({ length: 5_000 }, (_, i) => frame(Op.PING, 10 + i)));
    // Far more than all buffers of both sockets hold.
    for (let i = 0; i < 1_000; i++) client.socket.write(pings);
    const unsent = await settled(() => client.socket.writableLength);
    expect(unsent).toBeGreaterThan(pings.length * 500);
    expect(broker.connections.size).toBe(1);
    client.socket.destroy();
    await client.closed;
  });

  it("answers BUSY to a WebSocket that sends more than a shard takes, and drops nothing that it took", async () => {
    const { http } = await testBroker({ ringBytes: 64 * 1024, maxFrameBytes: 600_000, maxMessageBytes: 500_000 });
    const socket = new WebSocket(`ws://127.0.0.1:${http}/mq`);
    await new Promise((resolve) => socket.once("open", resolve));
    const total = 200;
    const outcomes = new Map<number, number>();
    const done = new Promise<void>((resolve) => {
      socket.on("message", (message: Buffer) => {
        const [{ op, request } = { op: 0, request: 0 }, answer] = [readWhole(message), readWhole(message)];
        if (op === Answer.CONFIRM) {
          for (const { request: first, requests } of receiptsOf(answer)) {
            for (let i = 0; i < requests; i++) outcomes.set(first + i, op);
          }
        } else if (op === Answer.ERROR) {
          expect(answer.head[0]).toBe(31);
          outcomes.set(request, op);
        }
        if (outcomes.size === total) resolve();
      });
    });
    const closed = new Promise<never>((_, reject) => socket.once("close", () => reject(new Error("closed"))));
    socket.send(frame(Op.HELLO, 1, [1]));
    for (let i = 0; i < total; i++) {
      const bytes = frame(Op.PUBLISH, 10 + i, ["busy"], entries(Buffer.alloc(400_000, i)));
      for (let at = 0; at < bytes.length; at += MAX_WEBSOCKET_MESSAGE_BYTES) {
        socket.send(bytes.subarray(at, at + MAX_WEBSOCKET_MESSAGE_BYTES));
      }
    }
    await Promise.race([done, closed]);
    closed.catch(() => {});
    const taken = [...outcomes.values()].filter((op) => op === Answer.CONFIRM).length;
    expect(taken).toBeGreaterThan(0);
    socket.close();
  });

  it("delivers a channel to those who read it, whoever does not", async () => {
    const { tcp } = await testBroker({
      maxOutgoingBytes: 64 * 1024,
      maxFrameBytes: 64 * 1024,
      maxMessageBytes: 32 * 1024,
    });
    const publisher = await NativeClient.greeted(tcp);
    const reader = await NativeClient.greeted(tcp);
    const sleeper = await NativeClient.greeted(tcp);
    for (const client of [reader, sleeper]) await client.ask(Op.PING, 2);
    for (const client of [reader, sleeper]) {
      client.send(frame(Op.SUBSCRIBE, 3, ["news"]));
      await client.next();
    }
    sleeper.socket.pause();
    const total = 3_000;
    let received = 0;
    const reading = (async () => {
      while (received < total) {
        const { op, payload } = await reader.next();
        if (op !== Answer.CHANNEL_MESSAGES) continue;
        for (let at = 0; at < payload.length; at += 4 + payload.readUInt32BE(at)) received++;
      }
    })();
    for (let i = 0; i < total; i++) {
      publisher.send(frame(Op.PUBLISH_CHANNEL, 10 + i, ["news"], entries("y".repeat(8_000))));
      if (i % 100 === 99) while (confirmedCount(publisher) < i + 1) await publisher.next();
    }
    await reading;
    expect(received).toBe(total);
    sleeper.socket.destroy();
  });

  it("cuts off a connection that does not read while a shard sends and sends", async () => {
    const { tcp, broker } = await testBroker({ maxOutgoingBytes: 1 << 20 }, { thread: FLOOD });
    const other = await NativeClient.greeted(tcp);
    const victim = await NativeClient.greeted(tcp);
    victim.send(frame(Op.STATS, 2, ["anything"]));
    await victim.next();
    victim.socket.pause();
    while (broker.connections.size > 1) await new Promise((resolve) => setImmediate(resolve));
    await other.ping();
  });
});

const confirmedCount = (client: NativeClient): number =>
  client.frames.reduce(
    (total, answer) =>
      total + (answer.op === Answer.CONFIRM ? receiptsOf(answer).reduce((n, r) => n + r.requests, 0) : 0),
    0,
  );

const readWhole = (message: Buffer): Frame => {
  const head = message.readUInt16BE(6);
  return {
    op: message.readUInt8(4),
    flags: message.readUInt8(5),
    request: message.readUInt32BE(8),
    head: head === 0 ? [] : [message.readUInt8(13)],
    payload: message.subarray(12 + head),
  };
};
