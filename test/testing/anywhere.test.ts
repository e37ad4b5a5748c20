/** Where the test broker runs: in a process that it does not keep alive, and where Node.js is not. */
import { execFile } from "node:child_process";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it, vi } from "vitest";
import { createTestBroker } from "../../src/testing/index.js";
import { moduleGraph } from "../module-graph.js";

const run = promisify(execFile);

const ENTRY = fileURLToPath(new URL("../../dist/testing/index.js", import.meta.url));

const evaluate = async (program: string): Promise<string> => {
  const args = ["--input-type=module", "-e", program];
  const { stdout } = await run(process.execPath, args, { timeout: 20_000 });
  return stdout;
};

const USE = `
  const { createTestBroker } = await import(${JSON.stringify(ENTRY)});
  const broker = createTestBroker({ now: 1_700_000_000_000 });
  const client = await broker.connect();
  const consumer = await client.consume("held");
  await client.publishBatch("held", ["a", "b", "c"]);
  await consumer.next();
  await client.publish("t", new Uint8Array(100_000).fill(3));
  await client.publish("t", "later", { delay: 1_000 });
  void client.pop("none", { wait: 60_000 }).catch(() => {});
  await broker.restart();
  const again = await broker.connect();
  const [large] = await again.pop("t");
  await large.ack();
  await broker.clock.advance("1 s");
  const [later] = await again.pop("t");
  console.log(large.body.length, large.body[99_999], later.text());
`;

it("keeps no process alive, and has no timer, though nobody closes it", async () => {
  const stdout = await evaluate(`${USE} console.log(process.getActiveResourcesInfo().includes("Timeout"));`);
  expect(stdout).toBe("100000 3 later\nfalse\n");
});

it("loads nothing of Node.js, no thread, no port and no native code", () => {
  const { files, packages } = moduleGraph(ENTRY);
  expect([...packages].sort()).toEqual(["msgpackr/pack", "re2js", "xxhash-wasm"]);
  const own = [...files].map((file) => file.slice(dirname(dirname(ENTRY)).length + 1));
  expect(own).toContain("main/native/connection.js");
  expect(own.filter((file) => /^(cli|main\/ports|main\/front-ends|grpc|workers\/jobs)\/|thread/.test(file))).toEqual(
    [],
  );
});

it("runs where there are no Buffers, no process, no shared memory and no setImmediate", async () => {
  const browser = `
    const { exit } = process;
    for (const name of ["Buffer", "process", "SharedArrayBuffer", "setImmediate"]) delete globalThis[name];
    ${USE}
    console.log(typeof Buffer, typeof process);
    exit(0);`;
  expect(await evaluate(browser)).toBe("100000 3 later\nundefined undefined\n");
});

it("runs under timers that a test has replaced", async () => {
  vi.useFakeTimers();
  try {
    const broker = createTestBroker();
    const client = await broker.connect();
    await client.publish("t", "later", { delay: 1_000 });
    await broker.clock.advance("1 s");
    expect((await client.pop("t")).map((message) => message.text())).toEqual(["later"]);
    await broker.close();
  } finally {
    vi.useRealTimers();
  }
});
