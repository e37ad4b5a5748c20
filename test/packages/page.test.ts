/**
 * The client in a browser: what a page loads, and that it does its work under a content security policy that allows nothing else.
 */
import { EventEmitter, once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { startBroker } from "ringmq";
import { connect } from "ringmq/client";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { findChromium, openPage } from "../chromium.js";
import { FETCH_TIMEOUT } from "../debian-package.js";
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
  "index.js": 20 * 1024,
  "subscriptions.js": 10 * 1024,
  "queues.js": 14 * 1024,
  "calls.js": 8 * 1024,
  "reconnector.js": 2 * 1024,
  "batch-publisher.js": 2 * 1024,
  "topic.js": 2 * 1024,
  "topic-admin.js": 2 * 1024,
  "channel-admin.js": 1024,
  "inspection.js": 2 * 1024,
  "watching.js": 2 * 1024,
  "connect-nodes.js": 39 * 1024,
};

it("is small, and what a page does not use is not loaded", () => {
  const first = neededBy("index.js");
  expect([...first]).toEqual(["index.js"]);
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
  const { count } = await client.publishBatch("batches", ["one", "two"]);
  const nodes = await connectNodes({ nodes: [{ url }] });
  await nodes.publish("orders", "four");
  await nodes.close();
  const refused = await connect("tcp://127.0.0.1:9503").catch((error) => error);
  const unreachable = await connect("ws://127.0.0.1:1/mq").catch((error) => error);
  const codes = [refused, unreachable].map((error) => error instanceof RingmqError && error.code);
  return { consumed, popped: popped.text(), heard, reply, published, hasTopic: topics.includes("orders"), count, codes };
};
const told = await report().catch((error) => ({ error: String(error?.stack ?? error) }));
await client.publish("report", JSON.stringify({ ...told, violations }));
await client.drain();
`;

/** Connects, and tells that it is there; and goes on at the next broker. */
const RECONNECTING_PROGRAM = `
import { connect } from "/client/index.js";

const client = await connect(decodeURIComponent(location.hash.slice(1)), { reconnect: { maxDelay: 200 } });
await client.publish("report", "connected");
for await (const { type } of client.status()) {
  if (type === "disconnected") await client.publish("report", "reconnected");
}
`;

/** Serves a page with this program and the client. The page may open WebSockets to `places` and nothing else. */
const servePage = async (program: string) => {
  const events = new EventEmitter();
  const texts = new Map([
    ["/", '<!doctype html><script type="module" src="/program.js"></script>'],
    ["/program.js", program],
    ...[...modules].map(([name, text]) => [`/client/${name}`, text] as const),
  ]);
  const places: string[] = [];
  const server = createServer(({ url: path = "/" }, response) => {
    response.writeHead(texts.has(path) ? 200 : 404, {
      "content-type": path === "/" ? "text/html" : "text/javascript",
      "content-security-policy": `default-src 'none'; script-src 'self'; connect-src ${places.join(" ")}`,
    });
    response.end(texts.get(path), () => events.emit(path));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = (): void => {
    server.close();
    server.closeIdleConnections();
  };
  onTestFinished(close);
  const served = (path: string): Promise<unknown> => once(events, path);
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, places, served, close };
};

const NEW_PORT = { host: "127.0.0.1", port: 0 };

/** A broker for pages of one origin. */
const openBroker = async (origin: string, http = NEW_PORT) => {
  const broker = await startBroker({ tcp: NEW_PORT, http, durability: "memory", shards: 1, allowOrigin: [origin] });
  onTestFinished(() => broker.close());
  const place = `ws://127.0.0.1:${broker.addresses.http?.port}`;
  const client = await connect(`tcp://127.0.0.1:${broker.addresses.tcp?.port}`);
  onTestFinished(() => client.close());
  const report = async () => (await client.pop("report", { wait: 60_000 }))[0];
  return { broker, place, report };
};

const pageOf = (origin: string, place: string): string => `${origin}/#${encodeURIComponent(`${place}/mq`)}`;

it(
  "publishes, consumes, subscribes, calls and administers in Chromium under a strict content security policy",
  async (context) => {
    const chromium = await findChromium().catch((error: Error) =>
      context.skip(`there is no Chromium: ${error.message}`),
    );
    const { origin, places } = await servePage(PROGRAM);
    const { place, report } = await openBroker(origin);
    places.push(place, "ws://127.0.0.1:1");
    openPage(chromium, pageOf(origin, place));
    expect((await report())?.json()).toEqual({
      consumed: ["one", "two"],
      popped: "three",
      heard: "rain",
      reply: "abab",
      published: 3,
      hasTopic: true,
      count: 2,
      codes: ["BAD_ARGUMENT", "CONNECT_FAILED"],
      violations: [],
    });
  },
  FETCH_TIMEOUT,
);

it(
  "connects again in Chromium when whoever serves its modules is gone together with the broker",
  async (context) => {
    const chromium = await findChromium().catch((error: Error) =>
      context.skip(`there is no Chromium: ${error.message}`),
    );
    const { origin, places, served, close } = await servePage(RECONNECTING_PROGRAM);
    const lost = await openBroker(origin);
    places.push(lost.place);
    const first = neededBy("index.js");
    const parts = [...neededBy("reconnector.js")].filter((name) => !first.has(name));
    const reconnector = Promise.all(parts.map((name) => served(`/client/${name}`)));
    openPage(chromium, pageOf(origin, lost.place));
    expect((await lost.report())?.text()).toBe("connected");
    await reconnector;
    close();
    const { http } = lost.broker.addresses;
    await lost.broker.close();
    const next = await openBroker(origin, { host: "127.0.0.1", port: http?.port ?? 0 });
    expect((await next.report())?.text()).toBe("reconnected");
  },
  FETCH_TIMEOUT,
);
