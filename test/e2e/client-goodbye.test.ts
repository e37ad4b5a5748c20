/**
 * A broker that is stopped while programs consume: none of them takes that for the end of its work.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { testBroker, testDirectory } from "./brokers.js";
import { clientOf } from "./clients.js";
import { allConnected, nodesBecome, nodesClientOf } from "./nodes.js";
import { started } from "./program.js";

const WORKER = fileURLToPath(new URL("consuming-process.mjs", import.meta.url));

const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i}`);

it("a worker process whose broker is restarted by SIGTERM works on, each message once, and no ack is refused", async () => {
  const data = join(testDirectory(), "data");
  const start = (tcp: number) =>
    started(["--tcp", `127.0.0.1:${tcp}`, "--http", "127.0.0.1:0", "--shards", "1"], { RINGMQ_DATA: data });
  const broker = await start(0);
  const client = await clientOf(broker.tcp);
  await client.publishBatch("jobs", numbers(40));
  const worker = fork(WORKER, [`tcp://127.0.0.1:${broker.tcp}`, "jobs", "5", "goes-on"], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  onTestFinished(() => void worker.kill("SIGKILL"));
  const read: string[] = [];
  const refused: string[] = [];
  const isDone = new Promise<void>((resolve) => {
    worker.on("message", (told: { read?: string; refused?: string }) => {
      if (told.read !== undefined) read.push(told.read);
      if (told.refused !== undefined) refused.push(told.refused);
      if (read.length === 5) broker.child.kill("SIGTERM");
      if (read.length === 40) resolve();
    });
  });
  expect(await broker.exit).toEqual({ code: 0, signal: null });
  expect(read.length).toBeLessThan(40);
  await start(broker.tcp);
  await isDone;
  expect(refused).toEqual([]);
  expect(read.toSorted()).toEqual(numbers(40).toSorted());
});

it("a worker process without reconnect whose broker is stopped by SIGTERM exits with an error, and no ack is refused", async () => {
  const data = join(testDirectory(), "data");
  const broker = await started(["--tcp", "127.0.0.1:0", "--http", "127.0.0.1:0"], { RINGMQ_DATA: data });
  const client = await clientOf(broker.tcp);
  await client.publishBatch("jobs", numbers(40));
  const worker = fork(WORKER, [`tcp://127.0.0.1:${broker.tcp}`, "jobs", "20"], {
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  onTestFinished(() => void worker.kill("SIGKILL"));
  const texts: string[] = [];
  worker.stderr?.on("data", (bytes) => texts.push(String(bytes)));
  const read: string[] = [];
  const refused: string[] = [];
  worker.on("message", (told: { read?: string; refused?: string }) => {
    if (told.read !== undefined) read.push(told.read);
    if (told.refused !== undefined) refused.push(told.refused);
    if (read.length === 5) broker.child.kill("SIGTERM");
  });
  const [code] = await once(worker, "exit");
  expect(code).toBe(1);
  expect(texts.join("")).toContain("SHUTTING_DOWN");
  expect(await broker.exit).toEqual({ code: 0, signal: null });
  expect(refused).toEqual([]);
  expect(read.length).toBeLessThan(40);

  const again = await clientOf((await testBroker({ data })).tcp);
  const rest = await again.pop("jobs", { max: 40 });
  expect(rest.map((message) => [message.text(), message.retry])).toEqual(
    numbers(40)
      .filter((body) => !read.includes(body))
      .map((body) => [body, 0]),
  );
});

it("a loop over several nodes goes on with the others when one says goodbye", async () => {
  const brokers = await Promise.all([1, 2].map((node) => testBroker({ node, durability: "memory" })));
  const nodes = brokers.map(({ tcp }) => ({ url: `tcp://127.0.0.1:${tcp}` }));
  const client = await nodesClientOf({ nodes }, { pick: "turn" });
  await nodesBecome(client, allConnected(2));
  const subscription = await client.subscribe("news");
  await client.onEachNode((each, { url }) =>
    each.publishBatch(
      "jobs",
      numbers(10).map((body) => `${url === nodes[0]?.url ? "first" : "second"} ${body}`),
    ),
  );
  const consumer = await client.consume("jobs");
  const seen: string[] = [];
  const of = (node: string): number => seen.filter((body) => body.startsWith(node)).length;
  let closing: Promise<void> | undefined;
  for await (const message of consumer) {
    seen.push(message.text());
    await message.ack();
    if (message.text() === "after") break;
    if (of("first") > 0) {
      closing ??= brokers[0]?.broker.close();
      await closing;
    }
    if (of("second") === 10 && closing !== undefined) await client.publish("jobs", "after");
  }
  expect(await consumer.closed).toBeUndefined();
  expect([of("first"), of("second")]).toEqual([1, 10]);
  await client.publishToChannel("news", "after");
  expect((await subscription.next()).value?.text()).toBe("after");
});
