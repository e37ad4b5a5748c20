/** A node announces itself in registries, whatever becomes of them. */
import { createServer } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import type { Log } from "../../src/main/log.js";
import { announce } from "../../src/registry/announcement/index.js";
import {
  ask,
  idsOf,
  listen,
  openNode,
  QUICK_ANNOUNCEMENT,
  registration,
  serveHttp,
  testAnnouncement,
  testRegistry,
  urlOf,
} from "./nodes.js";

const POLL = { interval: 5, timeout: 20_000 };

/** A log, and what is in it: the level and the text of each line. */
const noted = (): { readonly log: Log; readonly lines: string[] } => {
  const lines: string[] = [];
  const at =
    (level: string) =>
    (fields: object, text: string): void => {
      lines.push(
        `${level} ${text.replace(/http:\/\/[\d.]+:\d+/, "X")}${"reason" in fields ? ` (${fields.reason})` : ""}`,
      );
    };
  return { log: { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") }, lines };
};

it("registers with every registry, and unregisters when it closes", async () => {
  const registries = [await testRegistry(), await testRegistry()];
  const node = await openNode(1, { weight: 4 });
  const announcement = testAnnouncement(node, { registries: registries.map(urlOf) });
  for (const registry of registries) await expect.poll(() => idsOf(registry), POLL).toEqual([1]);
  await announcement.close();
  for (const registry of registries) expect(await idsOf(registry)).toEqual([]);
});

it("goes on trying while a registry is away, and says so once", async () => {
  const holder = createServer();
  const port = await listen(holder);
  holder.close();
  const { log, lines } = noted();
  const node = await openNode(1);
  testAnnouncement(node, { registries: [`127.0.0.1:${port}`], log });
  await expect.poll(() => lines.length, POLL).toBe(1);
  const registry = await testRegistry({ http: { host: "127.0.0.1", port } });
  await expect.poll(() => idsOf(registry), POLL).toEqual([1]);
  await expect.poll(() => lines.length, POLL).toBe(2);
  expect(lines[0]).toMatch(/^warn registry X cannot be reached; trying again/);
  expect(lines[1]).toBe("info registry X: the node is listed");
});

it("is listed again by a registry that was restarted without its list", async () => {
  const first = await testRegistry();
  const { port } = first.address;
  const node = await openNode(1);
  testAnnouncement(node, { registries: [urlOf(first)] });
  await expect.poll(() => idsOf(first), POLL).toEqual([1]);
  await first.close();
  const second = await testRegistry({ http: { host: "127.0.0.1", port } });
  await expect.poll(() => idsOf(second), POLL).toEqual([1]);
});

it("is listed again when somebody has unregistered it", async () => {
  const registry = await testRegistry();
  const node = await openNode(1);
  testAnnouncement(node, { registries: [urlOf(registry)] });
  await expect.poll(() => idsOf(registry), POLL).toEqual([1]);
  await ask(registry, `/unregister?tcp_addr=${node.tcpAddress}`);
  await expect.poll(() => idsOf(registry), POLL).toEqual([1]);
});

it("takes its place when it was restarted without unregistering, with its new weight", async () => {
  const registry = await testRegistry();
  const node = await openNode(1);
  await ask(registry, registration(node));
  const { log, lines } = noted();
  testAnnouncement({ ...node, weight: 9 }, { registries: [urlOf(registry)], log });
  await expect.poll(() => ask(registry, "/getNodes"), POLL).toContain('"weight":9');
  await expect.poll(() => lines, POLL).toEqual(["info registry X: the node is listed"]);
});

it("takes its place with new addresses as soon as its old ones are dropped, and says why not before", async () => {
  const registry = await testRegistry();
  const [before, now] = [await openNode(1), await openNode(1)];
  await ask(registry, registration(before));
  const { log, lines } = noted();
  testAnnouncement(now, { registries: [urlOf(registry)], log });
  const refusal = "error registry X refuses this node; trying again (node.Id 1 has exist)";
  await expect.poll(() => lines, POLL).toEqual([refusal]);
  before.answers = false;
  await expect.poll(() => ask(registry, "/getNodes"), POLL).toContain(now.tcpAddress);
  await expect.poll(() => lines, POLL).toEqual([refusal, "info registry X: the node is listed"]);
});

it("does not unregister the node that has its address when it was refused", async () => {
  const registry = await testRegistry();
  const one = await openNode(1);
  const two = { ...(await openNode(2)), tcpAddress: one.tcpAddress };
  await ask(registry, registration(one));
  const { log, lines } = noted();
  const announcement = testAnnouncement(two, { registries: [urlOf(registry)], log });
  await expect.poll(() => lines.length, POLL).toBe(1);
  await announcement.close();
  expect(await idsOf(registry)).toEqual([1]);
});

it("counts as listed where gmq's registry has it already", async () => {
  const node = await openNode(1);
  const entry = { id: 1, tcp_addr: node.tcpAddress, http_addr: node.httpAddress, weight: 1, join_time: "" };
  const asked: string[] = [];
  const registry = await serveHttp((request, response) => {
    const path = (request.url ?? "").replace(/\?.*/, "");
    asked.push(path);
    const list = { code: 0, data: { nodes: [entry] }, msg: "success" };
    response.end(JSON.stringify(path === "/register" ? { code: 1, data: null, msg: "node.Id 1 has exist" } : list));
  });
  const { log, lines } = noted();
  const announcement = testAnnouncement(node, { registries: [registry], log });
  await expect.poll(() => lines, POLL).toEqual(["info registry X: the node is listed"]);
  await announcement.close();
  expect(asked.at(-1)).toBe("/unregister");
});

it("closes in a bounded time when a registry says nothing, and while it is being registered", async () => {
  const mute = createServer();
  onTestFinished(() => void mute.close());
  const registry = await testRegistry();
  let isAsked = false;
  const httpAddress = await serveHttp(() => {
    isAsked = true;
  });
  const node = { ...(await openNode(1)), httpAddress };
  const { log, lines } = noted();
  const registries = [`127.0.0.1:${await listen(mute)}`, urlOf(registry)];
  const announcement = testAnnouncement(node, { registries, log, closeTimeout: 50 });
  await expect.poll(() => isAsked, POLL).toBe(true);
  await announcement.close();
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^warn registry X: the node could not be taken off the list/);
  expect(await idsOf(registry)).toEqual([]);
});

it("begins nothing when one of its addresses is none", async () => {
  const node = { id: 1, weight: 1, tcpAddress: "127.0.0.1:9503", httpAddress: "127.0.0.1:9504" };
  const none = { registries: [], etcd: [], ...QUICK_ANNOUNCEMENT };
  expect(() => announce(node, { ...none, registries: ["x"] })).toThrow(RangeError);
  expect(() => announce(node, { ...none, etcd: ["x"] })).toThrow(RangeError);
  expect(() => announce({ ...node, id: 0 }, none)).toThrow("the id of a node is from 1 to 1024; it is 0");
  expect(() => announce({ ...node, weight: -1 }, none)).toThrow(RangeError);
  expect(() => announce({ ...node, tcpAddress: "host" }, none)).toThrow(RangeError);
  await announce(node, none).close();
});
