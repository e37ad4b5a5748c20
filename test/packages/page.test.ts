/**
 * The client in a browser: what a page loads, and that it does its work under a content security policy that allows nothing else.
 */
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { startBroker } from "ringmq";
import { connect } from "ringmq/client";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { FETCH_TIMEOUT } from "../debian-package.js";
import { findChromium, openPage } from "./chromium.js";
import { makeClient, makeFolder, removeFolder } from "./packed.js";

let folder = "";
/** The modules of the page's client, by name. */
const modules = new Map<string, string>();

beforeAll(async () => {
  folder = await makeFolder();
  await makeClient(folder);
  const page = join(folder, "node_modules/@ringmq/client/dist/page");
  for (const name of await readdir(page)) modules.set(name, await readFile(join(page, name), "utf8"));
}, 60_000);

afterAll(() => removeFolder(folder));

/** What a minified module imports, at once or later. */
const IMPORT = /\b(?:import|export)(?:[\w$*{}, ]*from)?"([^"]+)"|\bimport\(`([^`]+)`\)/g;

/** The modules that one needs at once, itself among them. */
const neededBy = (name: string, found = new Set<string>()): Set<string> => {
  if (found.has(name)) return found;
  found.add(name);
  for (const [, module] of modules.get(name)?.matchAll(IMPORT) ?? []) {
    if (module !== undefined) neededBy(module.replace("./", ""), found);
  }
  return found;
};

const compressed = (names: Iterable<string>): number =>
  [...names].reduce((sum, name) => sum + gzipSync(modules.get(name) ?? "", { level: 9 }).length, 0);

/** Bytes, compressed by gzip: what a page loads to connect and publish, and what each part adds to that. */
const MOST = {
  "index.js": 24 * 1024,
  "subscriptions.js": 9 * 1024,
  "queues.js": 13 * 1024,
  "calls.js": 7 * 1024,
  "topic.js": 2 * 1024,
  "topic-admin.js": 2 * 1024,
  "channel-admin.js": 1024,
  "connection-admin.js": 1024,
  "inspection.js": 1024,
  "connect-nodes.js": 34 * 1024,
};

it("is small, and what a page does not use is not loaded", () => {
  const first = neededBy("index.js");
  expect([...first].sort()).toEqual(["client.js", "index.js"]);
  const sizes = Object.keys(MOST).map((name) => {
    const added = [...neededBy(name)].filter((each) => name === "index.js" || !first.has(each));
    return [name, compressed(added)] as const;
  });
  console.log(sizes.map(([name, size]) => `${name} ${size}`).join(", "));
  for (const [name, size] of sizes) expect(size, name).toBeLessThanOrEqual(MOST[name as keyof typeof MOST]);
});

it("needs no package and nothing of Node.js, and makes no code out of text", () => {
  for (const [name, text] of modules) {
    const named = [...text.matchAll(IMPORT)].map(([, atOnce, later]) => atOnce ?? later ?? "");
    expect(
      named.filter((module) => !modules.has(module.replace("./", ""))),
      name,
    ).toEqual([]);
    expect(text, name).not.toMatch(/\brequire\(|\bprocess\.|"node:|`node:/);
    expect(text, name).not.toMatch(/\beval\(|\bFunction\(/);
  }
});

/** What the page does; it tells what came of it over its own connection, as it may speak to nobody else. */
const PROGRAM = `
import { connect, connectNodes, RingmqError } from "/client/index.js";

const violations = [];
document.addEventListener("securitypolicyviolation", ({ violatedDirective }) => violations.push(violatedDirective));
const url = decodeURIComponent(location.hash.slice(1));
const client = await connect(url);
const report = async () => {
  const receipts = await Promise.all(["one", "two"].map((body) => client.publish("orders", body)));
  const consumed = [];
  for await (const message of await client.consume("orders")) {
    consumed.push(message.text());
    await message.ack();
    if (consumed.length === receipts.length) break;
  }
  await client.publish("orders", "three");
  const [popped] = await client.pop("orders");
  await popped.ack();
  const subscription = await client.subscribe("news");
  await client.publishToChannel("news", "rain");
  const heard = (await subscription.next()).value.text();
  const responder = await client.respond("double", (request) => request.text().repeat(2));
  const reply = (await client.request("double", "ab")).text();
  await responder.stop();
  const { published } = await client.stats("orders");
  const topics = [];
  for await (const { name } of client.topics()) topics.push(name);
  const nodes = await connectNodes({ nodes: [{ url }] });
  await nodes.publish("orders", "four");
  await nodes.close();
  const refused = await connect("tcp://127.0.0.1:9503").catch((error) => error);
  const unreachable = await connect("ws://127.0.0.1:1/mq").catch((error) => error);
  const codes = [refused, unreachable].map((error) => error instanceof RingmqError && error.code);
  return { consumed, popped: popped.text(), heard, reply, published, hasTopic: topics.includes("orders"), codes };
};
const told = await report().catch((error) => ({ error: String(error?.stack ?? error) }));
await client.publish("report", JSON.stringify({ ...told, violations }));
await client.drain();
`;

it(
  "publishes, consumes, subscribes, calls and administers in Chromium under a strict content security policy",
  async (context) => {
    const chromium = await findChromium().catch((error: Error) =>
      context.skip(`there is no Chromium: ${error.message}`),
    );
    const types: Record<string, string> = { "/": "text/html", "/program.js": "text/javascript" };
    let policy = "";
    const server = createServer((request, response) => {
      const path = request.url ?? "/";
      const texts: Record<string, string | undefined> = {
        "/": '<!doctype html><script type="module" src="/program.js"></script>',
        "/program.js": PROGRAM,
      };
      const text = texts[path] ?? modules.get(path.replace("/client/", ""));
      response.writeHead(text === undefined ? 404 : 200, {
        "content-type": types[path] ?? "text/javascript",
        "content-security-policy": policy,
      });
      response.end(text);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const anyPort = { host: "127.0.0.1", port: 0 };
    const broker = await startBroker({
      tcp: anyPort,
      http: anyPort,
      durability: "memory",
      shards: 1,
      allowOrigin: [origin],
    });
    onTestFinished(() => broker.close());
    const place = `ws://127.0.0.1:${broker.addresses.http?.port}`;
    policy = `default-src 'none'; script-src 'self'; connect-src ${place} ws://127.0.0.1:1`;
    const client = await connect(`tcp://127.0.0.1:${broker.addresses.tcp?.port}`);
    openPage(chromium, `${origin}/#${encodeURIComponent(`${place}/mq`)}`);
    const [message] = await client.pop("report", { wait: 60_000 });
    expect(message?.json()).toEqual({
      consumed: ["one", "two"],
      popped: "three",
      heard: "rain",
      reply: "abab",
      published: 3,
      hasTopic: true,
      codes: ["BAD_ARGUMENT", "CONNECT_FAILED"],
      violations: [],
    });
    await client.close();
  },
  FETCH_TIMEOUT,
);
