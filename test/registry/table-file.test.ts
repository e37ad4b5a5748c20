/** The list of a registry survives it. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import type { Log } from "../../src/main/log.js";
import { makeDirectory, removeDirectory } from "../directories.js";
import { ask, idsOf, openNode, refused, registration, SUCCESS, testRegistry } from "./nodes.js";

const POLL = { interval: 5, timeout: 20_000 };
/** No ping within the time of a test. */
const STILL = { pingInterval: 1_000_000 };

const testDirectory = (): string => {
  const path = makeDirectory();
  onTestFinished(() => removeDirectory(path));
  return path;
};

it("has the nodes, in their order, with weight and time", async () => {
  const data = join(testDirectory(), "made", "here");
  const first = await testRegistry({ data, ...STILL });
  for (const id of [3, 1, 2]) await ask(first, registration(await openNode(id, { weight: id })));
  const gone = await openNode(4);
  await ask(first, registration(gone));
  await ask(first, `/unregister?tcp_addr=${gone.tcpAddress}`);
  const edited = await openNode(5);
  await ask(first, registration(edited));
  await ask(first, `/editWeight?tcp_addr=${edited.tcpAddress}&weight=50`);
  const before = await ask(first, "/getNodes");
  expect(JSON.parse(before).data.nodes).toMatchObject([{ id: 3 }, { id: 1 }, { id: 2 }, { id: 5, weight: 50 }]);
  // What a killed process leaves is the same: nothing is written when a registry closes.
  const file = readFileSync(join(data, "registry.json"), "utf8");
  await first.close();
  expect(readFileSync(join(data, "registry.json"), "utf8")).toBe(file);
  const second = await testRegistry({ data, ...STILL });
  expect(await ask(second, "/getNodes")).toBe(before);
  // It still knows that the weight was edited.
  await ask(second, registration(edited));
  expect(await ask(second, "/getNodes")).toContain('"weight":50');
});

it("takes back after a restart what was dropped before it", async () => {
  const data = testDirectory();
  const first = await testRegistry({ data });
  const node = await openNode(1);
  await ask(first, registration(node));
  node.answers = false;
  await expect.poll(() => idsOf(first), POLL).toEqual([]);
  await first.close();
  const second = await testRegistry({ data });
  expect(await idsOf(second)).toEqual([]);
  node.answers = true;
  await expect.poll(() => idsOf(second), POLL).toEqual([1]);
});

const NODE = {
  id: 1,
  tcp_addr: "127.0.0.1:9503",
  http_addr: "127.0.0.1:9504",
  weight: 1,
  own_weight: 1,
  join_time: "2006-01-02 15:04:05",
};
const file = (...nodes: object[]): string => JSON.stringify({ version: 1, nodes });

it("reads a file as version 1 has it", async () => {
  const data = testDirectory();
  writeFileSync(
    join(data, "registry.json"),
    file(NODE, { ...NODE, id: 2, tcp_addr: "b:1", http_addr: "b:2", dropped_at: 5 }),
  );
  const registry = await testRegistry({ data, ...STILL });
  expect(await idsOf(registry)).toEqual([1]);
});

it.each([
  ["half of it", file(NODE).slice(0, 50)],
  ["nothing", ""],
  ["another version", JSON.stringify({ version: 2, nodes: [] })],
  ["no list", JSON.stringify({ version: 1, nodes: {} })],
  ["a node without an id", file({ ...NODE, id: undefined })],
  ["a node with an address that is none", file({ ...NODE, tcp_addr: "x" })],
  ["two nodes with one id", file(NODE, { ...NODE, tcp_addr: "b:1", http_addr: "b:2" })],
  ["too much", Buffer.alloc(4 * 1024 * 1024 + 1)],
  ["no text", Buffer.from([0x7b, 0xff, 0x7d])],
])("sets a damaged file aside and says so: %s", async (_, contents) => {
  const data = testDirectory();
  writeFileSync(join(data, "registry.json"), contents);
  const errors: string[] = [];
  const ignore = (): void => {};
  const log: Log = { debug: ignore, info: ignore, warn: ignore, error: (_fields, text) => errors.push(text) };
  const registry = await testRegistry({ data, log, ...STILL });
  expect(await idsOf(registry)).toEqual([]);
  expect(errors).toEqual(["the list of nodes is damaged: it is set aside, nodes have to register again"]);
  const [aside = ""] = readdirSync(data);
  expect(aside).toMatch(/^registry\.json\.damaged-\d+$/);
  expect(readFileSync(join(data, aside)).equals(Buffer.from(contents))).toBe(true);
  expect(await ask(registry, registration(await openNode(1)))).toBe(SUCCESS);
});

it("refuses what it cannot save, and goes on as before", async () => {
  const data = join(testDirectory(), "data");
  const registry = await testRegistry({ data, ...STILL });
  const [one, two] = [await openNode(1), await openNode(2)];
  await ask(registry, registration(one));
  // Whoever runs the tests as root may write to any directory, but not to one that is gone.
  rmSync(data, { recursive: true });
  const text = refused("the list of nodes cannot be saved: ENOENT");
  expect(await ask(registry, registration(two))).toBe(text);
  expect(await ask(registry, `/unregister?tcp_addr=${one.tcpAddress}`)).toBe(text);
  expect(await ask(registry, `/editWeight?tcp_addr=${one.tcpAddress}&weight=9`)).toBe(text);
  expect(JSON.parse(await ask(registry, "/getNodes")).data.nodes).toMatchObject([{ id: 1, weight: 1 }]);
  mkdirSync(data);
  expect(await ask(registry, registration(two))).toBe(SUCCESS);
  expect(await idsOf(registry)).toEqual([1, 2]);
});

it("drops a node though that cannot be saved, and saves it as soon as it can", async () => {
  const data = join(testDirectory(), "data");
  const registry = await testRegistry({ data });
  const node = await openNode(1);
  await ask(registry, registration(node));
  rmSync(data, { recursive: true });
  node.answers = false;
  await expect.poll(() => idsOf(registry), POLL).toEqual([]);
  mkdirSync(data);
  chmodSync(data, 0o755);
  await expect.poll(() => readdirSync(data), POLL).toEqual(["registry.json"]);
  expect(readFileSync(join(data, "registry.json"), "utf8")).toContain("dropped_at");
});

it("is saved once for nodes that are lost together, which costs those that live no time", async () => {
  const data = testDirectory();
  const registry = await testRegistry({ data, pingInterval: 100 });
  const nodes = await Promise.all(Array.from({ length: 12 }, (_, i) => openNode(i + 1)));
  for (const node of nodes) await ask(registry, registration(node));
  const saves: string[] = [];
  const watcher = watch(data, (event, name) => {
    if (event === "rename" && name === "registry.json") saves.push(name);
  });
  onTestFinished(() => watcher.close());
  for (const node of nodes) node.answers = false;
  await expect.poll(() => idsOf(registry), POLL).toEqual([]);
  await registry.close();
  expect(readFileSync(join(data, "registry.json"), "utf8").match(/dropped_at/g)).toHaveLength(12);
  await expect.poll(() => saves.length, POLL).toBeGreaterThan(0);
  expect(saves.length).toBeLessThan(6);
});
