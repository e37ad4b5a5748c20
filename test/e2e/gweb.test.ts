/** gweb: logging in, the list of nodes and its changes, and the relay, with a registry, an etcd and brokers. */
import { once } from "node:events";
import { request } from "node:http";
import { afterEach, describe, expect, it, onTestFinished } from "vitest";
import { WebSocket } from "ws";
import type { Client } from "../../src/client/index.js";
import { hashOf } from "../../src/main/access/token-hash.js";
import { errorName } from "../../src/protocol/errors.js";
import { Answer, Op } from "../../src/protocol/op.js";
import { announce } from "../../src/registry/announcement/index.js";
import { listAnnounced, listRegistered } from "../../src/registry/discovery/index.js";
import { writeAuthority } from "../certificates.js";
import { frame, readFrame } from "../main/frames.js";
import { EtcdServer } from "../registry/etcd-server.js";
import { openNode, registration, testAnnouncement, testRegistry, urlOf } from "../registry/nodes.js";
import { sharedBroker, testBroker } from "./brokers.js";
import { Shell } from "./shell.js";
import { authority, secured } from "./tls-brokers.js";

const { connect } = (await import(
  "../../dist/client/index.js" as string
)) as typeof import("../../src/client/index.js");

const TOKEN = "ringmq_of-an-operator";
const TOKENS = [{ hash: hashOf(TOKEN) }];
const USERS = [
  {
    name: "operator",
    tokens: TOKENS,
    permissions: [{ topics: "*", allow: ["publish", "consume", "manage", "operate"] as const }],
  },
];

const open = sharedBroker({ durability: "memory", node: 1 });
const guarded = sharedBroker({ durability: "memory", node: 2, users: USERS });

/** A browser: it keeps the cookie, and says which page asks. */
class Browser {
  cookie = "";
  constructor(readonly url: string) {}

  async ask(path: string, method = "GET", body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
    const response = await fetch(this.url + path, {
      method,
      redirect: "manual",
      headers: { origin: this.url, cookie: this.cookie, "content-type": "application/json", ...headers },
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const [cookie] = response.headers.getSetCookie();
    if (cookie !== undefined) this.cookie = cookie.split(";", 1)[0] ?? "";
    return response;
  }

  /** Status and the error's code and text. */
  async refused(path: string, method: string, body?: unknown, headers?: Record<string, string>): Promise<unknown[]> {
    const response = await this.ask(path, method, body, headers);
    const { error } = (await response.json()) as { error: { code: string; text: string } };
    return [response.status, error.code, error.text];
  }

  async nodes(): Promise<unknown> {
    return ((await (await this.ask("/console/nodes")).json()) as { nodes: unknown }).nodes;
  }

  /** The client as pages have it: over the platform's WebSocket, which shows cookie and origin. */
  async client(node: string, origin = this.url): Promise<Client> {
    const { cookie } = this;
    class PageWebSocket extends WebSocket {
      constructor(url: string) {
        super(url, { origin, headers: { cookie } });
      }
    }
    Reflect.set(globalThis, "WebSocket", PageWebSocket);
    const client = await connect(`${this.url.replace("http", "ws")}/console/mq?node=${node}`, { reconnect: false });
    onTestFinished(() => client.close());
    return client;
  }
}

const platform: unknown = Reflect.get(globalThis, "WebSocket");
afterEach(() => void Reflect.set(globalThis, "WebSocket", platform));

const startGweb = async (flags: string): Promise<Browser> => {
  const gweb = new Shell().program(`gweb -web_addr=127.0.0.1:0 ${flags}`);
  return new Browser((await gweb.said(/http:\/\/127\.0\.0\.1:\d+(?=\/console\/)/)) as string);
};

const nodeOf = ({ tcp, http }: { tcp: number; http: number }, id: number) => ({
  id,
  weight: 1,
  tcpAddress: `127.0.0.1:${tcp}`,
  httpAddress: `127.0.0.1:${http}`,
});

const listed = (id: number, node: { tcp: number; http: number }, weight = 1) => ({
  id,
  tcp_addr: `127.0.0.1:${node.tcp}`,
  http_addr: `127.0.0.1:${node.http}`,
  join_time: expect.stringMatching(/^\d{4}-/),
  weight,
  healthy: true,
});

const added = (id: number, { tcp, http }: { tcp: number; http: number }) => ({
  node_id: id,
  tcp_addr: `127.0.0.1:${tcp}`,
  http_addr: `127.0.0.1:${http}`,
  weight: 1,
});

describe("with a registry that has tokens", () => {
  const start = async () => {
    const registry = await testRegistry({ tokens: TOKENS });
    const url = urlOf(registry);
    const ids = async () => (await listRegistered(url, { token: TOKEN })).map(({ id }) => id);
    for (const node of [nodeOf(open(), 1), nodeOf(guarded(), 2)]) {
      expect((await fetch(`${url}${registration(node)}&access_token=${TOKEN}`)).status).toBe(200);
    }
    return { registry, url, ids, browser: await startGweb(`-register_addr=${url}`) };
  };

  it("asks for a token, shows it, and lets nobody in without", async () => {
    const { browser } = await start();
    const home = await browser.ask("/");
    expect([home.status, home.headers.get("location")]).toEqual([308, "console/"]);
    const page = await browser.ask("/console/");
    expect([page.status, page.headers.get("content-security-policy")]).toEqual([
      200,
      expect.stringContaining("script-src 'self'"),
    ]);
    const session = { kind: "nodes", login: true, user: null };
    expect(await (await browser.ask("/console/session")).json()).toMatchObject(session);
    expect(await browser.refused("/console/nodes", "GET")).toEqual([401, "UNAUTHORIZED", expect.any(String)]);
    await expect(browser.client("1")).rejects.toMatchObject({ code: "UNAUTHORIZED" });
    expect((await browser.refused("/console/session", "POST", { token: `${TOKEN}x` })).slice(0, 2)).toEqual([
      401,
      "UNAUTHORIZED",
    ]);

    const logIn = await browser.ask("/console/session", "POST", { token: TOKEN });
    expect(logIn.headers.get("set-cookie")).toMatch(/^ringmq.*; Path=\/console\/; HttpOnly; SameSite=Strict$/);
    expect(await logIn.json()).toMatchObject({ login: false, user: `${hashOf(TOKEN).slice(0, 15)}…` });
    expect(await browser.nodes()).toEqual([listed(1, open()), listed(2, guarded())]);

    // The broker that has users is shown the token of the registry, and knows whose it is.
    const client = await browser.client("2");
    await client.publish("of-a-user", "hello");
    for await (const own of client.connections()) expect(own).toMatchObject({ user: "operator" });
    await browser.ask("/console/session", "DELETE");
    expect(await client.closed).toBeInstanceOf(Error);
    expect(await browser.refused("/console/nodes", "GET")).toEqual([401, "UNAUTHORIZED", expect.any(String)]);
  });

  it("adds, weighs and removes nodes, and says why not", async () => {
    const { browser, ids } = await start();
    await browser.ask("/console/session", "POST", { token: TOKEN });
    const other = await testBroker({ durability: "memory", node: 3 });
    expect((await browser.ask("/console/nodes", "POST", added(3, other))).status).toBe(204);
    expect(await ids()).toEqual([1, 2, 3]);
    const change = { tcp_addr: `127.0.0.1:${other.tcp}`, weight: 7 };
    expect((await browser.ask("/console/nodes", "PATCH", change)).status).toBe(204);
    expect(await browser.nodes()).toContainEqual(listed(3, other, 7));
    expect(await browser.refused("/console/nodes", "POST", added(1, { tcp: 1, http: 1 }))).toEqual([
      409,
      "REFUSED",
      "node.Id 1 has exist",
    ]);
    expect((await browser.ask("/console/nodes", "DELETE", { tcp_addr: change.tcp_addr })).status).toBe(204);
    expect(await ids()).toEqual([1, 2]);
    expect(await browser.refused("/console/nodes", "DELETE", { tcp_addr: change.tcp_addr })).toEqual([
      409,
      "REFUSED",
      "addr is not exist",
    ]);

    for (const [body, text] of [
      ["{", "the body is a JSON object"],
      [{ ...added(4, other), node_id: 1025 }, "node_id must be a number from 1 to 1024"],
      [{ ...added(4, other), tcp_addr: "http://x/path" }, "tcp_addr must be as in 127.0.0.1:9503"],
      [{ ...added(4, other), weight: "1" }, "weight must be a number from 0 to 2147483647"],
    ] as const) {
      expect(await browser.refused("/console/nodes", "POST", body)).toEqual([400, "BAD_BODY", text]);
    }
    const form = { "content-type": "text/plain" };
    expect((await browser.refused("/console/nodes", "POST", added(3, other), form)).slice(0, 2)).toEqual([
      415,
      "BAD_CONTENT_TYPE",
    ]);
    expect(
      (await browser.ask("/console/nodes", "POST", added(3, other), { origin: "http://evil.example" })).status,
    ).toBe(403);
    expect((await browser.ask("/console/nodes", "PUT", "{}")).status).toBe(405);
    expect(await ids()).toEqual([1, 2]);
  });

  it("counts no relay for a request that becomes no WebSocket", async () => {
    const { browser } = await start();
    await browser.ask("/console/session", "POST", { token: TOKEN });
    const headers = {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-key": Buffer.alloc(16).toString("base64"),
      "sec-websocket-version": "99",
      origin: browser.url,
    };
    const refused = (): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const asked = request(`${browser.url}/console/mq?node=1`, { headers, agent: false }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        });
        asked.on("error", reject);
        asked.end();
      });
    // There may be 256 relays.
    for (let i = 0; i < 260; i++) expect(await refused()).toBeGreaterThanOrEqual(400);
    await (await browser.client("1")).publish("after-all", "hello");
  });

  it("relays large messages both ways, to a node that is listed and to no other", async () => {
    const { browser, registry } = await start();
    await browser.ask("/console/session", "POST", { token: TOKEN });
    const client = await browser.client("1");
    const body = Buffer.alloc(9 * 1024 * 1024, "ringmq");
    await Promise.all([client.publish("large", body), client.publish("large", body)]);
    for (let i = 0; i < 2; i++) {
      const [message] = await client.pop("large");
      expect(Buffer.compare(message?.body ?? Buffer.alloc(0), body)).toBe(0);
      await message?.ack();
    }
    for (const id of ["7", "", "127.0.0.1:9504", "1@evil.example"]) {
      await expect(browser.client(encodeURIComponent(id))).rejects.toMatchObject({
        code: "SHUTTING_DOWN",
        message: expect.stringMatching(/^no node with the id (?:7|that was asked for) is listed/),
      });
    }
    await expect(browser.client("1", "http://evil.example")).rejects.toMatchObject({ code: "CONNECT_FAILED" });
    // A node that is listed and gone, then a registry that is gone.
    const gone = await openNode(9);
    await fetch(`${urlOf(registry)}${registration(gone)}&access_token=${TOKEN}`);
    gone.answers = false;
    await expect(browser.client("9")).rejects.toMatchObject({
      code: "SHUTTING_DOWN",
      message: expect.stringContaining("the node cannot be reached"),
    });
    await registry.close();
    expect((await browser.refused("/console/nodes", "GET")).slice(0, 2)).toEqual([502, "UNREACHABLE"]);
    // What is open goes on.
    await client.publish("large", "small");
  });
});

it("with etcd: nodes that announce themselves keep their lease when they are weighed, those that are added have none", async () => {
  const etcd = await EtcdServer.start();
  const announcement = announce(nodeOf(open(), 1), {
    registries: [],
    etcd: [etcd.endpoint],
    leaseSeconds: 5,
    checkInterval: 20,
  });
  onTestFinished(() => announcement.close());
  const ids = async () => (await listAnnounced([etcd.endpoint])).map(({ id, weight }) => [id, weight]);
  await expect.poll(ids, { timeout: 10_000 }).toEqual([[1, 1]]);
  const browser = await startGweb(`-etcd_endpoints=${etcd.endpoint}`);
  expect(await (await browser.ask("/console/session")).json()).toMatchObject({ login: false });
  expect(await (await browser.ask("/console/nodes")).json()).toMatchObject({ list: { kind: "etcd" } });

  const change = { tcp_addr: `127.0.0.1:${open().tcp}`, weight: 5 };
  expect((await browser.ask("/console/nodes", "PATCH", change)).status).toBe(204);
  expect(await browser.nodes()).toEqual([listed(1, open(), 5)]);
  const second = await testBroker({ durability: "memory", node: 2 });
  expect((await browser.ask("/console/nodes", "POST", added(2, second))).status).toBe(204);
  expect(await browser.refused("/console/nodes", "POST", added(2, second))).toEqual([
    409,
    "REFUSED",
    "node.Id 2 has exist",
  ]);
  const mute = { ...added(3, second), tcp_addr: "127.0.0.1:1", http_addr: "127.0.0.1:1" };
  expect(await browser.refused("/console/nodes", "POST", mute)).toEqual([
    409,
    "REFUSED",
    "http_addr 127.0.0.1:1 does not answer /ping",
  ]);
  // With its lease ends the one that announced itself: the edit has not taken it off that.
  await announcement.close();
  expect(await ids()).toEqual([[2, 1]]);
  expect((await browser.ask("/console/nodes", "DELETE", { tcp_addr: `127.0.0.1:${second.tcp}` })).status).toBe(204);
  expect(await ids()).toEqual([]);
});

it("a node that anybody may have listed is shown a token only when its visitor says so, at that address alone", async () => {
  const registry = await testRegistry();
  const list = async (id: number, node: { tcp: number; http: number }) => {
    expect(await (await fetch(urlOf(registry) + registration(nodeOf(node, id)))).json()).toMatchObject({ code: 0 });
  };
  await list(1, open());
  await list(2, guarded());
  const browser = await startGweb(`-register_addr=${urlOf(registry)}`);
  const trust = async (id: number): Promise<unknown> => (await browser.ask(`/console/trust?node=${id}`)).json();
  const address = `127.0.0.1:${guarded().http}`;
  expect((await browser.refused("/console/trust", "POST", { http_addr: address })).slice(0, 2)).toEqual([
    401,
    "UNAUTHORIZED",
  ]);
  await browser.ask("/console/session", "POST", { token: TOKEN });
  // Who asks for no token is none the wiser.
  await (await browser.client("1")).publish("t", "hello");
  await expect(browser.client("2")).rejects.toMatchObject({ code: "UNAUTHORIZED" });
  expect(await trust(2)).toEqual({ http_addr: address, shown: false });
  expect((await browser.refused("/console/trust", "POST", { http_addr: 1 })).slice(0, 2)).toEqual([400, "BAD_BODY"]);
  expect((await browser.refused("/console/trust?node=7", "GET")).slice(0, 2)).toEqual([409, "REFUSED"]);
  const elsewhere = await browser.ask(
    "/console/trust",
    "POST",
    { http_addr: address },
    { origin: "http://evil.example" },
  );
  expect(elsewhere.status).toBe(403);
  expect((await browser.ask("/console/trust", "POST", { http_addr: address })).status).toBe(204);
  expect(await trust(2)).toEqual({ http_addr: address, shown: true });
  await (await browser.client("2")).publish("t", "hello");

  // Another node in its place, by the same id, and another login, are others.
  const other = await testBroker({ durability: "memory", node: 2, users: USERS });
  await fetch(`${urlOf(registry)}/unregister?tcp_addr=127.0.0.1:${guarded().tcp}`);
  await list(2, other);
  await expect(browser.client("2")).rejects.toMatchObject({ code: "UNAUTHORIZED" });
  await browser.ask("/console/session", "POST", { token: TOKEN });
  expect(await trust(2)).toEqual({ http_addr: `127.0.0.1:${other.http}`, shown: false });
});

it("nodes over TLS: their certificates are checked by the authority that it is given", async () => {
  const node = await secured({ durability: "memory", node: 6 });
  const registry = await testRegistry();
  expect(await (await fetch(urlOf(registry) + registration(nodeOf(node, 6)))).json()).toMatchObject({ code: 0 });
  const flags = `-register_addr=${urlOf(registry)}`;
  const trusting = await startGweb(`${flags} -ca_file=${writeAuthority(node.directory, authority)}`);
  expect(await trusting.nodes()).toEqual([listed(6, node)]);
  const client = await trusting.client("6");
  await client.publish("t", "hello");
  const strict = await startGweb(flags);
  await expect(strict.client("6")).rejects.toMatchObject({
    message: expect.stringMatching(/cannot be reached: .*certificate/),
  });
});

it("one address cannot have all connections to nodes", async () => {
  const registry = await testRegistry();
  await fetch(urlOf(registry) + registration(nodeOf(open(), 1)));
  const browser = await startGweb(`-register_addr=${urlOf(registry)}`);
  /** Resolves when the node has answered, or the console has in its place. */
  const relayed = async (localAddress: string): Promise<{ page: WebSocket; code: string | undefined }> => {
    const page = new WebSocket(`${browser.url.replace("http", "ws")}/console/mq?node=1`, {
      origin: browser.url,
      localAddress,
    });
    onTestFinished(() => page.terminate());
    const answered = once(page, "message");
    await once(page, "open");
    page.send(frame(Op.HELLO, 1, [1]));
    const [bytes] = (await answered) as [Buffer];
    const { op, head } = readFrame(bytes);
    return { page, code: op === Answer.ERROR ? errorName(Number(head[0])) : undefined };
  };
  const one = await Promise.all(Array.from({ length: 200 }, () => relayed("127.0.0.1")));
  const refused = one.filter(({ code }) => code !== undefined);
  expect(refused.map(({ code }) => code)).toEqual(Array.from({ length: 8 }, () => "TOO_MANY_CONNECTIONS"));
  expect((await relayed("127.0.0.2")).code).toBeUndefined();
  for (const { page } of one) page.close();
  await Promise.all(one.map(({ page }) => page.readyState === WebSocket.CLOSED || once(page, "close")));
  expect((await relayed("127.0.0.1")).code).toBeUndefined();
});

it("warns where others reach it, and starts while nobody lists the nodes", async () => {
  const gweb = new Shell().program("gweb -web_addr=:0 -register_addr=127.0.0.1:1");
  await gweb.said("anybody who reaches this address");
  await gweb.said("tokens that are typed at this address can be read");
  await gweb.said("http://127.0.0.1:1 does not list its nodes; it is asked again");
  await gweb.said(/http:\/\/localhost:\d+\/console\//);
});

it("a node that is removed while it runs is listed again: it announces itself", async () => {
  const registry = await testRegistry();
  const node = await openNode(4);
  testAnnouncement(node, { registries: [urlOf(registry)] });
  const browser = await startGweb(`-register_addr=${urlOf(registry)}`);
  await expect.poll(() => browser.nodes()).toHaveLength(1);
  await browser.ask("/console/nodes", "DELETE", { tcp_addr: node.tcpAddress });
  await expect.poll(() => browser.nodes()).toHaveLength(1);
});
