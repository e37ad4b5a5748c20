/**
 * The client when a shard is restarted under it: nothing that it waits for waits for ever, and the same calls work again.
 */
import { describe, expect, it, onTestFinished } from "vitest";
import type { ConnectOptions } from "../../src/client/arguments/options.js";
import type { Client } from "../../src/client/client.js";
import { testBroker } from "./brokers.js";

const { connect } = (await import("../../dist/client/index.js" as string)) as {
  connect: (url: string, options: ConnectOptions) => Promise<Client>;
};

const RESTARTED = { code: "SHARD_RESTARTED", retryable: true };

const start = async (options: ConnectOptions = {}) => {
  const { broker, tcp } = await testBroker();
  const client = await connect(`tcp://127.0.0.1:${tcp}`, options);
  onTestFinished(() => client.close());
  return { client, restart: () => broker.supervisor.kill(0) };
};

const textsOf = async (loop: AsyncIterable<{ text(): string }>, texts: string[]): Promise<void> => {
  for await (const message of loop) texts.push(message.text());
};

describe("when its shard is restarted", () => {
  it("consumers and subscriptions go on", async () => {
    const { client, restart } = await start();
    const subscriptions = [await client.subscribe("news"), await client.subscribe("news")];
    const consumer = await client.consume("orders");
    await client.publish("orders", "held");
    expect((await consumer.next()).value?.text()).toBe("held");
    await restart();
    expect((await consumer.next()).value?.text()).toBe("held");
    while ((await client.publishToChannel("news", "after")).subscribers === 0);
    for (const subscription of subscriptions) expect((await subscription.next()).value?.text()).toBe("after");
  });

  it("without reconnect each subscription ends with why, and its channel can be subscribed to again", async () => {
    const { client, restart } = await start({ reconnect: false });
    const subscriptions = [await client.subscribe("news"), await client.subscribe("news")];
    const seen: string[] = [];
    const loops = subscriptions.map((subscription) => textsOf(subscription, seen));
    expect(await client.publishToChannel("news", "before")).toEqual({ subscribers: 1 });
    const ends = loops.map((loop) => expect(loop).rejects.toMatchObject(RESTARTED));
    await restart();
    await Promise.all(ends);
    expect(seen).toEqual(["before", "before"]);
    for (const { closed } of subscriptions) expect(await closed).toMatchObject(RESTARTED);

    const again = await client.subscribe("news");
    expect(await client.publishToChannel("news", "after")).toEqual({ subscribers: 1 });
    const { value } = await again.next();
    expect(value?.text()).toBe("after");
  });

  it("without reconnect each consumer ends with why, and its queue can be consumed again", async () => {
    const { client, restart } = await start({ reconnect: false });
    const consumer = await client.consume("orders");
    const end = expect(textsOf(consumer, [])).rejects.toMatchObject(RESTARTED);
    await restart();
    await end;
    expect(await consumer.closed).toMatchObject(RESTARTED);

    const again = await client.consume("orders");
    await client.publish("orders", "after");
    const { value } = await again.next();
    expect(value?.text()).toBe("after");
    await value?.ack();
  });

  it("a pop that waits is refused, and all that is on its way is answered, by the old life or the new", async () => {
    const { client, restart } = await start();
    const pop = expect(client.pop("empty", { wait: 60_000 })).rejects.toMatchObject(RESTARTED);
    await client.publish("orders", "held");
    const [held] = await client.pop("orders");
    if (held === undefined) throw new Error("what was published is not there");
    const asked: Promise<unknown>[] = [client.subscribe("news"), client.consume("other")];
    for (let i = 0; i < 200; i++) {
      asked.push(client.publish(`topic-${i % 10}`, "x".repeat(10_000)), client.publishToChannel("news", "x"));
    }
    const answers = Promise.allSettled(asked);
    const acked = held.ack().catch((error) => error.code);
    await restart();
    await pop;
    const refusals = (await answers).filter((answer) => answer.status === "rejected");
    for (const { reason } of refusals) expect(reason).toMatchObject(RESTARTED);
    // The new life knows nothing of the message.
    expect([undefined, "SHARD_RESTARTED", "NO_TOPIC", "UNKNOWN_MESSAGE"]).toContain(await acked);
    expect(client.pendingBytes).toBe(0);
    await client.publish("orders", "after");
    await client.drain();
    expect(await client.closed).toBeUndefined();
  });
});
