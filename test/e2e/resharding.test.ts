/** A broker that is started with another number of shards has all it had, in the order in which it had it. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Client } from "../../src/client/client.js";
import { testBroker, testDirectory } from "./brokers.js";
import { clientOf, texts } from "./clients.js";

const TOPICS = 30;
const MESSAGES = 70;
const names = Array.from({ length: TOPICS }, (_, i) => `topic-${i}`);
const bodies = Array.from({ length: MESSAGES }, (_, i) => `body ${i}`.padEnd(20 + i * 40, "."));

/** Fills the topics; answers the last id. */
const fill = async (client: Client): Promise<string> => {
  let last = "";
  for (const [i, topic] of names.entries()) {
    await client.configure(topic, { retries: i, mode: i % 3 === 0 ? "pattern" : "exact" });
    await client.declareQueue(topic, "one");
    await client.declareQueue(topic, "two");
    await client.pause(topic, { queue: "two" });
    const ids = (await client.publishBatch(topic, bodies, { routeKey: "one" })).ids;
    await client.publish(topic, `${topic} two`, { routeKey: "two" });
    await client.publish(topic, `${topic} later`, { routeKey: "one", delay: 3_600_000 });
    await client.publish(topic, `${topic} default`);
    const popped = await client.pop(topic, { queue: "one", max: 3 });
    await popped[0]?.ack();
    await popped[1]?.nack({ retry: false });
    last = ids.at(-1) ?? last;
  }
  return last;
};

/** What `fill` has left, as seen without changing it. */
const look = async (client: Client, topic: string): Promise<unknown> => {
  const { config, queues } = await client.stats(topic);
  const see = async (queue: string, state: "ready" | "delayed" | "dead"): Promise<unknown> => {
    const messages = await client.browse(topic, { queue, state, max: 1000 });
    return messages.map((message) => [message.id, message.text(), message.retry]);
  };
  return {
    config,
    queues: queues.map(({ bindKey, ready, delayed, deadLetters, paused }) => ({
      bindKey,
      ready,
      delayed,
      deadLetters,
      paused,
    })),
    one: [await see("one", "ready"), await see("one", "delayed"), await see("one", "dead")],
    two: await see("two", "ready"),
    default: await see("default", "ready"),
  };
};

describe("another number of shards", () => {
  it("loses nothing and keeps the order of each queue, back and forth", async () => {
    const data = testDirectory();
    let running = await testBroker({ data, shards: 2 });
    let client = await clientOf(running.tcp);
    let last = BigInt(await fill(client));
    await client.close();
    await running.broker.close();
    // What was in flight is ready again: from here on nothing changes.
    running = await testBroker({ data, shards: 2 });
    client = await clientOf(running.tcp);
    const before = await Promise.all(names.map((topic) => look(client, topic)));

    for (const shards of [5, 3, 1, 2]) {
      await client.close();
      await running.broker.close();
      running = await testBroker({ data, shards });
      client = await clientOf(running.tcp);
      const after = await Promise.all(names.map((topic) => look(client, topic)));
      expect(after).toEqual(before);
      expect(readdirSync(data).filter((name) => name.startsWith("generation-"))).toHaveLength(1);
      const receipt = await client.publish("numbers", String(shards));
      expect(BigInt(receipt.id)).toBeGreaterThan(last);
      last = BigInt(receipt.id);
    }
    expect(texts(await client.pop("numbers", { max: 10 }))).toEqual(["5", "3", "1", "2"]);
  });

  it("knows queues that were declared from those that were used: their topics stay", async () => {
    const data = testDirectory();
    const before = await testBroker({ data, shards: 2 });
    // Its publishes are not numbered: a topic that remembers numbers stays.
    const client = await clientOf(before.tcp, { tcp: "tcp", client: { reconnect: false } });
    await client.declareQueue("declared", "default");
    await client.publish("used", "once");
    const [popped] = await client.pop("used");
    await popped?.ack();
    await client.close();
    await before.broker.close();

    const after = await testBroker({ data, shards: 3, topicIdle: 100 });
    const again = await clientOf(after.tcp);
    const left = async (): Promise<string[]> => {
      const found: string[] = [];
      for await (const { name } of again.topics()) found.push(name);
      return found;
    };
    while ((await left()).length > 1) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await left()).toEqual(["declared"]);
  });

  it("is begun again when the last attempt did not end", async () => {
    const data = testDirectory();
    const running = await testBroker({ data, shards: 1 });
    const client = await clientOf(running.tcp);
    await client.publish("orders", "one");
    await client.close();
    await running.broker.close();
    // As a crash leaves it: the new generation is there in part, and the manifest still names the old one.
    const half = join(data, "generation-2", "shard-0");
    mkdirSync(half, { recursive: true });
    writeFileSync(join(half, "00000001.seg"), "torn");
    const again = await testBroker({ data, shards: 2 });
    const other = await clientOf(again.tcp);
    expect(texts(await other.pop("orders", { max: 5 }))).toEqual(["one"]);
  });

  it("is refused, and nothing changes, when a journal is damaged", async () => {
    const data = testDirectory();
    const running = await testBroker({ data, shards: 1 });
    const client = await clientOf(running.tcp);
    await client.publish("orders", "one");
    await client.publish("orders", "two");
    await client.close();
    await running.broker.close();
    const directory = join(data, "generation-1", "shard-0");
    const [segment = ""] = readdirSync(directory);
    const bytes = readFileSync(join(directory, segment));
    const at = bytes.indexOf("one");
    bytes.write("ONE", at);
    writeFileSync(join(directory, segment), bytes);
    await expect(testBroker({ data, shards: 2 })).rejects.toThrow(
      /cannot move from 1 to 2 shards: .*at byte \d+.*start with --shards 1/s,
    );
    bytes.write("one", at);
    writeFileSync(join(directory, segment), bytes);
    const again = await testBroker({ data, shards: 2 });
    const other = await clientOf(again.tcp);
    expect(texts(await other.pop("orders", { max: 5 }))).toEqual(["one", "two"]);
  });
});
