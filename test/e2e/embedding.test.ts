/** What a program is told that has a broker inside. */
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { connect } from "../../src/client/index.js";
import { documentedPrograms, printedBy } from "../documented-programs.js";
import { testBroker } from "./brokers.js";
import { mountedTmpfs } from "./mounts.js";

it("tells of a shard that is lost and back, and of the end", async () => {
  const { broker, tcp } = await testBroker();
  const told: unknown[] = [];
  broker.on("shard-lost", (event) => told.push(event));
  const back = once(broker, "shard-back");
  const client = await connect(`tcp://127.0.0.1:${tcp}`);
  await client.publishBatch("t", ["a", "b"]);
  await broker.supervisor.kill(0);
  expect(await back).toEqual([{ shard: 0, messages: 2 }]);
  expect(told).toEqual([{ shard: 0, reason: "SHARD_RESTARTED" }]);
  await client.close();
  const closed = once(broker, "closed");
  await broker.close();
  expect(await closed).toEqual([undefined]);
});

it("tells when the disk is full, and has space again", async (context) => {
  const directory = mountedTmpfs(context, "size=32m");
  const { broker } = await testBroker({ data: join(directory, "data"), diskReserve: 8 * 1024 * 1024 });
  const full = once(broker, "disk-full");
  writeFileSync(join(directory, "other"), new Uint8Array(24 * 1024 * 1024));
  expect(await full).toEqual([{ freeBytes: expect.toSatisfy((free: number) => free < 8 * 1024 * 1024) }]);
  const free = once(broker, "disk-free");
  rmSync(join(directory, "other"));
  expect(await free).toEqual([{ freeBytes: expect.toSatisfy((bytes: number) => bytes > 10 * 1024 * 1024) }]);
});

it("a listener that throws is an uncaught exception, and the broker goes on", async () => {
  const { broker, tcp } = await testBroker();
  const thrown = new Promise((resolve) => {
    const listeners = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.once("uncaughtException", (error) => {
      for (const listener of listeners) process.on("uncaughtException", listener);
      resolve(error);
    });
  });
  broker.once("shard-lost", () => {
    throw new Error("of the program");
  });
  const back = once(broker, "shard-back");
  await broker.supervisor.kill(0);
  expect(await thrown).toEqual(new Error("of the program"));
  await back;
  const client = await connect(`tcp://127.0.0.1:${tcp}`);
  await client.publish("t", "a");
  await client.close();
});

it.each(documentedPrograms("docs/embedding.md"))("$heading: the program of the document", async ({ code, output }) => {
  expect(await printedBy(code)).toBe(output);
});
