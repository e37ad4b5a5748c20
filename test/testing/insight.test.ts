import { expect, it } from "vitest";
import { createTestBroker } from "../../src/testing/index.js";

const NOW = Date.UTC(2026, 0, 1);

it("a test broker explains what a disk has against publishes, and when a delay ends by its clock", async () => {
  await using broker = createTestBroker({ now: NOW });
  const client = await broker.connect();
  await client.configure("memory", { durability: "memory" });
  await client.publish("jobs", "x", { delay: 5_000 });
  broker.refuse("DISK_FULL");
  await expect(client.publish("jobs", "y")).rejects.toMatchObject({ code: "DISK_FULL" });
  const codes = async (topic: string) => (await client.explain(topic)).map(({ code }) => code);
  expect(await codes("jobs")).toEqual(["PUBLISHES_REFUSED", "NO_CONSUMER", "DELAYED"]);
  expect((await client.explain("jobs")).at(-1)?.details).toMatchObject({ next: NOW + 5_000 });
  await client.publish("memory", "z");
  expect(await codes("memory")).toEqual(["NO_CONSUMER"]);
  broker.accept();
  await client.publish("jobs", "y");
  await broker.clock.advance("5 s");
  expect(await codes("jobs")).toEqual(["NO_CONSUMER"]);
});

it("a test broker tells of its connections, and closes one, whose client connects again", async () => {
  await using broker = createTestBroker({ now: NOW });
  const client = await broker.connect({ name: "watcher" });
  const other = await broker.connect({ name: "other" });
  const names = async (): Promise<string[]> => {
    const list: string[] = [];
    for await (const { name, protocol, since } of client.connections()) list.push(`${name} ${protocol} ${since - NOW}`);
    return list;
  };
  expect(await names()).toEqual(["watcher memory 0", "other memory 0"]);
  await broker.clock.advance("60 s");
  expect(await client.closeConnection(2)).toBe(true);
  await other.ping();
  expect(await names()).toEqual(["watcher memory 0", "other memory 60000"]);
});
