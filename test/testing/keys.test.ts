/** Keys of messages through the real client, under a clock that the test moves. */
import { expect, it, onTestFinished } from "vitest";
import type { Client } from "../../src/client/client.js";
import { createTestBroker, type TestBroker, type TestBrokerOptions } from "../../src/testing/index.js";

const open = async (
  options: TestBrokerOptions = {},
): Promise<{ readonly broker: TestBroker; readonly client: Client }> => {
  const broker = createTestBroker({ now: Date.UTC(2026, 0, 1), ...options });
  onTestFinished(() => broker.close());
  return { broker, client: await broker.connect() };
};

const bodies = async (client: Client, topic: string): Promise<string[]> =>
  (await client.browse(topic, { max: 1000 })).map((message) => message.text());

it("a message is published once while its key is known, by whomever", async () => {
  const { broker, client } = await open();
  const other = await broker.connect();
  const first = await client.publish("jobs", "one", { key: "invoice 7" });
  expect(first.duplicate).toBe(false);
  const again = await other.publish("jobs", "two", { key: "invoice 7", delay: 5000 });
  expect(again.toJSON()).toEqual({ id: first.id, durability: first.durability, duplicate: true });
  expect(await bodies(client, "jobs")).toEqual(["one"]);
  const [message] = await client.pop("jobs");
  expect((await client.publish("jobs", "three", { key: "invoice 7" })).id).toBe(first.id);
  await message?.ack();
  expect((await client.publish("jobs", "four", { key: "invoice 7" })).duplicate).toBe(false);
  expect(await bodies(client, "jobs")).toEqual(["four"]);
});

it("a key with a window is known for that time, whatever becomes of its message", async () => {
  const { broker, client } = await open();
  const options = { key: "k", keyWindow: 60_000 };
  const first = await client.publish("t", "one", options);
  await (await client.pop("t"))[0]?.ack();
  await broker.clock.advance(59_999);
  expect((await client.publish("t", "two", options)).id).toBe(first.id);
  await broker.clock.advance(1);
  expect((await client.publish("t", "three", options)).duplicate).toBe(false);
  expect(await bodies(client, "t")).toEqual(["three"]);
});

it("what is published in one turn travels together, keys and all, in its order", async () => {
  const { client } = await open();
  const keys = Array.from({ length: 1000 }, (_, i) => `key ${i % 600}`);
  const receipts = await Promise.all(keys.map((key, i) => client.publish("t", `${i}`, { key })));
  expect(receipts.filter(({ duplicate }) => duplicate)).toHaveLength(400);
  for (let i = 600; i < 1000; i++) expect(receipts[i]?.id).toBe(receipts[i - 600]?.id);
  expect(await bodies(client, "t")).toEqual(Array.from({ length: 600 }, (_, i) => `${i}`));
  // Others between them have none.
  await Promise.all([
    client.publish("u", "a", { key: "a" }),
    client.publish("u", "b"),
    client.publish("u", "c", { key: "a" }),
  ]);
  expect(await bodies(client, "u")).toEqual(["a", "b"]);
});

it("a batch has a key for each message that is to have one", async () => {
  const { client } = await open();
  const receipt = await client.publishBatch("t", ["a", "b", "c", "d"], { keys: ["x", undefined, "y", "x"] });
  expect(receipt.duplicates).toEqual([3]);
  expect(receipt.ids[3]).toBe(receipt.ids[0]);
  const again = await client.publishBatch("t", ["e", "f"], { keys: ["y", "z"], keyWindow: 1000 });
  expect(again.duplicates).toEqual([0]);
  expect(await bodies(client, "t")).toEqual(["a", "b", "c", "f"]);
  const all = await client.publishBatch("t", ["g"], { keys: ["z"] });
  expect([all.count, all.duplicates]).toEqual([1, [0]]);
  const thousands = Array.from({ length: 10_000 }, (_, i) => `many ${i}`);
  expect((await client.publishBatch("u", thousands, { keys: thousands })).duplicates).toEqual([]);
  expect((await client.publishBatch("u", thousands, { keys: thousands })).duplicates).toHaveLength(10_000);
});

it("keys are there again after a kill, and after a restart", async () => {
  const { broker, client } = await open();
  const waiting = await client.publish("t", "waiting", { key: "waiting" });
  const done = await client.publish("t", "done", { key: "done", keyWindow: 3_600_000 });
  const messages = await client.pop("t", { max: 2 });
  await messages[1]?.ack();
  await broker.restart();
  const next = await broker.connect();
  expect((await next.publish("t", "x", { key: "waiting" })).id).toBe(waiting.id);
  expect((await next.publish("t", "x", { key: "done" })).id).toBe(done.id);
  await broker.clock.advance(3_600_000);
  await broker.restart();
  const last = await broker.connect();
  expect((await last.publish("t", "x", { key: "waiting" })).id).toBe(waiting.id);
  expect((await last.publish("t", "x", { key: "done" })).duplicate).toBe(false);
});

it("what is no key is refused before anything is sent", async () => {
  const { client } = await open();
  const refused = { code: "BAD_ARGUMENT" };
  for (const key of ["", "é".repeat(128), "\ud800", 7 as unknown as string, null as unknown as string]) {
    await expect(client.publish("t", "a", { key })).rejects.toMatchObject(refused);
    await expect(client.publishBatch("t", ["a"], { keys: [key] })).rejects.toMatchObject(refused);
  }
  await expect(client.publish("t", "a", { keyWindow: 5 })).rejects.toMatchObject(refused);
  await expect(client.publish("t", "a", { key: "a", keyWindow: -1 })).rejects.toMatchObject(refused);
  await expect(client.publishBatch("t", ["a", "b"], { keys: ["a"] })).rejects.toMatchObject(refused);
  await expect(client.publishBatch("t", ["a"], { key: "a" } as object)).rejects.toMatchObject(refused);
  expect((await client.publish("t", "a", { key: "é".repeat(127) })).duplicate).toBe(false);
});

it("a topic knows no more keys than it is told to, and refuses those of others without harm to its own", async () => {
  const { client } = await open();
  await client.configure("t", { maxKeys: 2 });
  await client.publishBatch("t", ["a", "b"], { keys: ["a", "b"] });
  await expect(client.publish("t", "c", { key: "c" })).rejects.toMatchObject({
    code: "TOO_MANY_KEYS",
    retryable: true,
  });
  expect((await client.publish("t", "a", { key: "a" })).duplicate).toBe(true);
  await client.purge("t");
  expect((await client.publish("t", "c", { key: "c" })).duplicate).toBe(false);
});

it("messages are cancelled, put off, run at once and looked up by their keys", async () => {
  const { broker, client } = await open();
  await client.publishBatch("t", ["a", "b", "c"], { keys: ["a", "b", "c"], delay: 60_000, headers: { from: "test" } });
  const b = await client.lookup("t", { key: "b" });
  expect(b?.toJSON()).toMatchObject({
    ...{ queue: "default", state: "delayed", retry: 0, time: broker.clock.now + 60_000, routeKey: "" },
    ...{ body: "b", headers: { from: "test" } },
  });
  expect((await client.lookup("t", b?.id ?? ""))?.text()).toBe("b");
  expect(await client.cancel("t", { key: ["a", "nobody"] })).toEqual({
    settled: 1,
    faults: [{ id: "", key: "nobody", code: "UNKNOWN_MESSAGE" }],
  });
  expect(await client.lookup("t", { key: "a" })).toBe(undefined);
  expect(await client.reschedule("t", { key: "b" }, 1000)).toEqual({ settled: 1, faults: [] });
  expect(await client.runNow("t", { key: "c" })).toEqual({ settled: 1, faults: [] });
  const [c] = await client.pop("t", { max: 9 });
  expect(c?.text()).toBe("c");
  expect((await client.lookup("t", { key: "c" }))?.copies).toMatchObject([
    { state: "in-flight", deadReason: undefined },
  ]);
  expect(await client.cancel("t", { key: "c" })).toMatchObject({ faults: [{ key: "c", code: "MESSAGE_IN_FLIGHT" }] });
  await c?.nack({ retry: false });
  const dead = await client.lookup("t", { key: "c" });
  expect([dead?.state, dead?.deadReason]).toEqual(["dead", "rejected"]);
  expect(await client.reschedule("t", { key: "c" }, 5)).toMatchObject({ faults: [{ key: "c", code: "NOT_DELAYED" }] });
  expect((await client.cancel("t", { key: "c" })).settled).toBe(1);
  await broker.clock.advance(1000);
  expect((await client.pop("t"))[0]?.text()).toBe("b");
});

it("by their ids delayed messages run at once, and all are looked up", async () => {
  const { client } = await open();
  const { id } = await client.publish("t", "later", { delay: 60_000 });
  const { ids } = await client.publishBatch("t", ["x", "y", "z"]);
  expect((await client.lookup("t", ids[1] ?? ""))?.toJSON()).toMatchObject({ id: ids[1], state: "ready", body: "y" });
  expect(await client.runNow("t", id)).toEqual({ settled: 1, faults: [] });
  expect((await client.lookup("t", id))?.state).toBe("ready");
  expect(await client.lookup("t", "1")).toBe(undefined);
  await expect(client.lookup("nowhere", "1")).rejects.toMatchObject({ code: "NO_TOPIC" });
  for (const wrong of ["", "x", "-1", "01", 7, null, {}, { key: "" }, { key: 7 }]) {
    await expect(client.lookup("t", wrong as string)).rejects.toMatchObject({ code: "BAD_ARGUMENT" });
  }
  await expect(client.cancel("t", { key: ["a", ""] })).rejects.toMatchObject({ code: "BAD_ARGUMENT" });
});

it("thousands of keys are named by as few requests as it takes", async () => {
  const { client } = await open();
  const keys = Array.from({ length: 9000 }, (_, i) => `key ${i}`);
  await client.publishBatch("t", keys, { keys, delay: 60_000 });
  const { settled, faults } = await client.cancel("t", { key: [...keys, "nobody", "nobody else"] });
  expect([settled, faults.map(({ key }) => key)]).toEqual([9000, ["nobody", "nobody else"]]);
});

it("what names keys comes after what was published before it, in the same turn", async () => {
  const { client } = await open();
  const receipt = client.publish("t", "one", { key: "a", delay: 60_000 });
  const found = client.lookup("t", { key: "a" });
  const cancelled = client.cancel("t", { key: "a" });
  expect((await found)?.id).toBe((await receipt).id);
  expect(await cancelled).toEqual({ settled: 1, faults: [] });
});

it("without a connection what names keys waits for the next, and a look that was under way is made again", async () => {
  const { broker, client } = await open();
  await client.publishBatch("t", ["a", "b"], { keys: ["a", "b"], delay: 60_000 });
  const underWay = client.lookup("t", { key: "b" });
  const down = broker.down();
  const found = client.lookup("t", { key: "a" });
  await down;
  const late = client.cancel("t", { key: "b" });
  broker.up();
  await broker.clock.advance("3 s");
  expect((await found)?.text()).toBe("a");
  expect((await underWay)?.text()).toBe("b");
  expect(await late).toEqual({ settled: 1, faults: [] });
  await broker.down();
  const given = client.cancel("t", { key: "b" }).catch((error: { code: string }) => error.code);
  await broker.clock.advance("31 s");
  expect(await given).toBe("ANSWER_TIMEOUT");
});
