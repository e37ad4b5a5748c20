/**
 * Buffers that are never quite empty. The memory of what was read is freed, however long a program runs.
 */
import { describe, expect, it } from "vitest";
import { ChannelBacklog } from "../../src/client/channels/channel-backlog.js";
import { Answer, Op } from "../../src/protocol/op.js";
import { heldBytes } from "../collected-memory.js";
import { answerTo, confirm, connected, entries, frame, runs } from "./scripted-broker.js";

const KIB = 1024;
const MIB = 1024 * KIB;
const BODY = "x".repeat(16 * KIB);

/** More than a few chunks of the stream, and far less than what each of these tests reads in total. */
const FLAT = 6 * MIB;

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

describe("what a consumer has read", () => {
  it("is let go of though one message is always unread: 3,000 of 16 KiB", async () => {
    const { client, broker } = await connected();
    broker.answer = (seen) => broker.send(answerTo(seen));
    const consumer = await client.consume("orders", { prefetch: 10 });
    const { request } = await broker.nth(Op.CONSUME);
    const deliver = (low: number): void => {
      const payload = runs({ high: 1, low, delivery: 7, bodies: [`${low} ${BODY}`] });
      broker.send(frame(Answer.MESSAGES, request, [], payload));
    };
    deliver(0);
    const before = await heldBytes();
    for (let i = 1; i <= 3000; i++) {
      deliver(i);
      while (consumer.buffered < 2) await new Promise((resolve) => setImmediate(resolve));
      const { value } = await consumer.next();
      expect(value?.text().startsWith(`${i - 1} `)).toBe(true);
    }
    expect(consumer.buffered).toBe(1);
    expect((await heldBytes()) - before).toBeLessThan(FLAT);
  });
});

describe("what a subscription has read", () => {
  it("is let go of though one message is always unread: 3,000 of 16 KiB", async () => {
    const { client, broker } = await connected();
    broker.answer = ({ request }) => broker.send(confirm({ request }));
    const subscription = await client.subscribe("news");
    const tell = (i: number): void => broker.send(frame(Answer.CHANNEL_MESSAGES, 0, ["news"], entries(`${i} ${BODY}`)));
    tell(0);
    const before = await heldBytes();
    for (let i = 1; i <= 3000; i++) {
      tell(i);
      while (subscription.buffered < 2) await new Promise((resolve) => setImmediate(resolve));
      const { value } = await subscription.next();
      expect(value?.text().startsWith(`${i - 1} `)).toBe(true);
    }
    expect((await heldBytes()) - before).toBeLessThan(FLAT);
  });
});

describe("a few messages out of many pieces of the stream", () => {
  const PIECES = 1000;
  const PIECE = 64 * KIB;
  const NOWHERE = { channel: "news", epoch: undefined, position: 0, idHigh: 0, idLow: 0 };

  it("hold their own bytes and not those of the pieces: a subscription", async () => {
    const backlog = new ChannelBacklog(true);
    const before = await heldBytes();
    for (let i = 0; i < PIECES; i++) {
      const bytes = new Uint8Array(PIECE);
      const entry = entries(`${i}`);
      bytes.set(entry, 100);
      backlog.push({ ...NOWHERE, bytes, view: viewOf(bytes) }, 100, 100 + entry.length, 1);
    }
    expect((await heldBytes()) - before).toBeLessThan(FLAT);
    for (let i = 0; i < PIECES; i++) expect(backlog.shift()?.message.text()).toBe(`${i}`);
  });

  it("hold their own bytes and not those of the pieces: a consumer beside other traffic", async () => {
    const { client, broker } = await connected();
    broker.answer = (seen) => broker.send(answerTo(seen));
    const consumer = await client.consume("orders", { prefetch: 1000 });
    const { request } = await broker.nth(Op.CONSUME);
    const before = await heldBytes();
    const filler = frame(Answer.CHANNEL_MESSAGES, 0, ["nobody"], entries("x".repeat(PIECE)));
    for (let i = 0; i < 500; i++) {
      const payload = runs({ high: 1, low: i, delivery: 7, bodies: [`${i}`] });
      broker.send(frame(Answer.MESSAGES, request, [], payload), filler);
      while (consumer.buffered <= i) await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await heldBytes()) - before).toBeLessThan(FLAT);
    for (let i = 0; i < 500; i++) expect((await consumer.next()).value?.text()).toBe(`${i}`);
  });
});

describe("what waits to be sent", () => {
  it("is let go of when it has been sent, though something always waits", async () => {
    const { client, broker } = await connected({ maxInFlight: 1 });
    let answered = 0;
    broker.answer = ({ op, request }) => {
      // The scripted broker is in this process too and must not be measured.
      broker.frames.length = 0;
      if (op === Op.PUBLISH) broker.send(confirm({ request, high: 1, low: answered++, messages: 1 }));
    };
    const body = new Uint8Array(16 * KIB);
    let pending = client.publish("orders", body);
    const before = await heldBytes();
    for (let i = 0; i < 3000; i++) {
      const next = client.publish(`orders-${i % 2}`, body);
      await pending;
      pending = next;
    }
    await pending;
    expect((await heldBytes()) - before).toBeLessThan(FLAT);
  });
});
