/**
 * A broker that is about to stop: what was not read goes back at once, and each loop ends with why.
 */
import { describe, expect, it } from "vitest";
import type { Client } from "../../../src/client/client.js";
import { Answer, GIVE_BACK, Op } from "../../../src/protocol/op.js";
import { answerTo, connected, entries, frame, runs, type ScriptedBroker, selectionsOf } from "../scripted-broker.js";

const SHUTTING_DOWN = { code: "SHUTTING_DOWN", retryable: true, message: "the broker is stopping" };

const goodbye = (): Buffer => frame(Answer.GOODBYE, 0, ["the broker is stopping"]);

const messages = (request: number, low: number, ...bodies: readonly string[]): Buffer =>
  frame(Answer.MESSAGES, request, [], runs({ high: 1, low, delivery: 7, bodies }));

/** A client whose broker answers everything but pops. */
const answered = async (): Promise<{ readonly client: Client; readonly broker: ScriptedBroker }> => {
  const { client, broker } = await connected();
  broker.answer = (seen) => {
    if (seen.op !== Op.POP) broker.send(answerTo(seen));
  };
  return { client, broker };
};

/** A consumer whose loop is at the first of the messages 10 to 12. */
const consuming = async () => {
  const { client, broker } = await answered();
  const consumer = await client.consume("orders");
  const { request } = await broker.nth(Op.CONSUME);
  broker.send(messages(request, 10, "10", "11", "12"));
  const { value: first } = await consumer.next();
  return { client, broker, consumer, request, first };
};

describe("when the broker says goodbye, a consumer", () => {
  it("gives back what was not read, with what comes then, settles what it is at, and ends with why", async () => {
    const { client, broker, consumer, request, first } = await consuming();
    broker.answer = (seen) => {
      if (seen.op === Op.STOP) broker.send(messages(request, 20, "20"));
      broker.send(answerTo(seen));
    };
    broker.send(goodbye());
    expect(await consumer.closed).toMatchObject(SHUTTING_DOWN);
    expect((await broker.nth(Op.STOP)).flags).toBe(GIVE_BACK);
    expect(selectionsOf(await broker.nth(Op.SEEN))).toEqual([[10, 1, 7]]);
    await first?.ack();
    await expect(consumer.next()).rejects.toMatchObject(SHUTTING_DOWN);
    expect(await consumer.next()).toEqual({ done: true, value: undefined });
    expect(await client.closed).toMatchObject(SHUTTING_DOWN);
  });

  it("ends its loop over batches with why", async () => {
    const { client, broker } = await answered();
    const consumer = await client.consume("orders");
    const { request } = await broker.nth(Op.CONSUME);
    broker.send(messages(request, 10, "10", "11"));
    const seen: number[] = [];
    const loop = (async () => {
      for await (const batch of consumer.batches()) {
        seen.push(batch.size);
        broker.send(messages(request, 20, "20"), goodbye());
        await consumer.closed;
        await batch.ack();
      }
    })();
    await expect(loop).rejects.toMatchObject(SHUTTING_DOWN);
    expect(seen).toEqual([2]);
    expect((await broker.nth(Op.STOP)).flags).toBe(GIVE_BACK);
  });

  it("ends without an error where its program has ended it before", async () => {
    const { client, broker, consumer, first } = await consuming();
    const drained = consumer.drain();
    await broker.seen(Op.STOP);
    await client.ping();
    broker.send(goodbye());
    expect(selectionsOf(await broker.nth(Op.RELEASE))).toEqual([[11, 2, 7]]);
    await first?.ack();
    expect(await consumer.next()).toEqual({ done: true, value: undefined });
    await drained;
    expect(await consumer.closed).toBeUndefined();
  });

  it("that is begun then is refused with why, as a pop and a subscription are", async () => {
    const { client, broker, first } = await consuming();
    broker.send(goodbye());
    await broker.seen(Op.STOP);
    await expect(client.consume("orders")).rejects.toMatchObject(SHUTTING_DOWN);
    await expect(client.pop("orders")).rejects.toMatchObject(SHUTTING_DOWN);
    await expect(client.subscribe("news")).rejects.toMatchObject(SHUTTING_DOWN);
    await first?.ack();
  });
});

it("a pop that waits when the broker says goodbye rejects when it goes", async () => {
  const { client, broker } = await answered();
  const popped = client.pop("orders", { wait: 60_000 });
  await broker.seen(Op.POP);
  const refused = expect(popped).rejects.toMatchObject({ code: "CONNECTION_CLOSED", cause: SHUTTING_DOWN });
  broker.send(goodbye());
  broker.socket.end();
  await refused;
});

it("a subscription reads what has come when the broker says goodbye, and ends with why", async () => {
  const { client, broker } = await answered();
  const subscription = await client.subscribe("news");
  broker.send(frame(Answer.CHANNEL_MESSAGES, 0, ["news"], entries("a", "b")), goodbye());
  await broker.seen(Op.UNSUBSCRIBE);
  const seen: string[] = [];
  const loop = (async () => {
    for await (const message of subscription) seen.push(message.text());
  })();
  await expect(loop).rejects.toMatchObject(SHUTTING_DOWN);
  expect(seen).toEqual(["a", "b"]);
  expect(await subscription.closed).toMatchObject(SHUTTING_DOWN);
});
