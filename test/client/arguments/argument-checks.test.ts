import { inspect } from "node:util";
import { expect, it } from "vitest";
import type { Client } from "../../../src/client/client.js";
import { Receipt } from "../../../src/client/publish/receipt.js";
import { Answer, Op } from "../../../src/protocol/op.js";
import { answerTo, connected, frame, runs } from "../scripted-broker.js";

const CASES: readonly (readonly [string, (client: Client) => Promise<unknown>, string])[] = [
  ["no body", (c) => c.publish("t", undefined as never), "body must be text or a Uint8Array"],
  [
    "a value as the body",
    (c) => c.publish("t", { a: 1 } as never),
    "(JSON.stringify makes text of a value); it is an object",
  ],
  ["an id as a number", (c) => c.ackById("t", 5 as never), "ids must be"],
  ["a list of ids with nothing in it", (c) => c.ackById("t", new Array(2 ** 32 - 1)), "a message's id in decimal"],
  ["a list of bodies with nothing in it", (c) => c.publishBatch("t", new Array(2 ** 32 - 1)), "bodies[0] must be"],
  ["70 kB of headers", (c) => c.publish("t", "x", { headers: { a: "x".repeat(70_000) } }), "65,535 bytes"],
  ["a time as text", (c) => c.touchById("t", "5", { ttr: "30s" as never }), "ttr must be a whole number"],
  ["no number", (c) => c.publish("t", "x", { delay: Number.NaN }), "delay must be"],
  ["an unknown option", (c) => c.publish("t", "x", { delayMs: 5 } as never), "did you mean delay?"],
  ["another system's option", (c) => c.pop("t", { count: 1 } as never), "the options are queue, max, wait, maxBytes"],
  ["null options", (c) => c.pop("t", null as never), "options must be an object; it is null"],
  ["no name", (c) => c.publish("", "x"), "topic must be text of 1 to 255 bytes"],
  ["a negative time-out", (c) => c.drain({ timeout: -1 }), "timeout must be"],
];

it.each(CASES)("what a method does not take is refused: %s", async (_, act, text) => {
  const { client } = await connected();
  const error: unknown = await act(client).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ name: "RingmqError", code: "BAD_ARGUMENT", retryable: false });
  expect((error as Error).message).toContain(text);
});

it("a consumer that is drained in its own loop gives back what is unread and ends", async () => {
  const { client, broker } = await connected();
  broker.answer = (seen) => {
    const { op, request } = seen;
    broker.send(answerTo(seen));
    if (op !== Op.CONSUME) return;
    broker.send(frame(Answer.MESSAGES, request, [], runs({ high: 1, low: 10, delivery: 7, bodies: ["a", "b"] })));
  };
  const consumer = await client.consume("t");
  const seen: string[] = [];
  for await (const message of consumer) {
    seen.push(message.text());
    await message.ack();
    await consumer.drain();
  }
  expect(seen).toEqual(["a"]);
  expect((await broker.nth(Op.RELEASE)).head).toEqual(["t"]);
});

it("a receipt shows its id and durability", () => {
  expect(inspect(new Receipt(0, 5, 3))).toBe("Receipt { id: '5', durability: 'fsync' }");
});
