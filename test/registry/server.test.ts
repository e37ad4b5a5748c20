/** What a registry is asked and answers, byte for byte, and what it does not let others make it do. */
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { deferred } from "../../src/client/base/deferred.js";
import { exchange } from "../conformance/http-exchange.js";
import { sendRaw } from "../e2e/raw-http.js";
import {
  ask,
  idsOf,
  listen,
  openNode,
  refused,
  registration,
  SUCCESS,
  serveHttp,
  testRegistry,
  urlOf,
} from "./nodes.js";

const fixture = (name: string): Buffer =>
  readFileSync(fileURLToPath(new URL(`../conformance/fixtures/localhost-${name}.pem`, import.meta.url)));
const TLS = { cert: fixture("certificate"), key: fixture("key") };

const POLL = { interval: 5, timeout: 20_000 };

describe("the list", () => {
  it("is empty at first", async () => {
    const registry = await testRegistry();
    const answer = await fetch(`${urlOf(registry)}/getNodes`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(await answer.text()).toBe('{"code":0,"data":{"nodes":[]},"msg":"success"}');
  });

  it("has the nodes that registered, with the fields of gmq", async () => {
    const registry = await testRegistry();
    const node = await openNode(1, { weight: 7 });
    expect(await ask(registry, registration(node))).toBe(SUCCESS);
    const text = await ask(registry, "/getNodes");
    const { join_time: time } = JSON.parse(text).data.nodes[0];
    expect(time).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
    expect(Math.abs(Date.now() - new Date(time).getTime())).toBeLessThan(60_000);
    expect(text).toBe(
      `{"code":0,"data":{"nodes":[{"id":1,"http_addr":"${node.httpAddress}","tcp_addr":"${node.tcpAddress}",` +
        `"join_time":"${time}","weight":7}]},"msg":"success"}`,
    );
    // Whether the node was there, and nothing else.
    expect(new Set(node.requests)).toEqual(new Set(["GET /ping"]));
  });

  it("has a node's weight as it was edited, until the node asks for another", async () => {
    const registry = await testRegistry();
    const node = await openNode(1, { weight: 7 });
    const weight = async (): Promise<number> => JSON.parse(await ask(registry, "/getNodes")).data.nodes[0].weight;
    await ask(registry, registration(node));
    expect(await ask(registry, `/editWeight?tcp_addr=${node.tcpAddress}&weight=3`)).toBe(SUCCESS);
    expect(await weight()).toBe(3);
    await ask(registry, registration(node));
    expect(await weight()).toBe(3);
    await ask(registry, registration({ ...node, weight: 8 }));
    expect(await weight()).toBe(8);
    expect(await ask(registry, "/editWeight?tcp_addr=127.0.0.1:1&weight=3")).toBe(refused("addr is not exist"));
    expect(await ask(registry, `/editWeight?tcp_addr=${node.tcpAddress}&weight=x`)).toBe(
      refused("weight must be a number from 0 to 2147483647"),
    );
  });

  it("loses a node that unregisters", async () => {
    const registry = await testRegistry();
    const [one, two] = [await openNode(1), await openNode(2)];
    await ask(registry, registration(one));
    await ask(registry, registration(two));
    expect(await ask(registry, `/unregister?tcp_addr=${one.tcpAddress}`)).toBe(SUCCESS);
    expect(await idsOf(registry)).toEqual([2]);
    expect(await ask(registry, `/unregister?tcp_addr=${one.tcpAddress}`)).toBe(refused("addr is not exist"));
    expect(await ask(registry, "/unregister")).toBe(refused("tcp_addr is empty"));
  });

  it("has no two nodes with an id, a TCP or an HTTP address in common", async () => {
    const registry = await testRegistry();
    const [one, two] = [await openNode(1), await openNode(2)];
    await ask(registry, registration(one));
    expect(await ask(registry, registration({ ...two, id: 1 }))).toBe(refused("node.Id 1 has exist"));
    expect(await ask(registry, registration({ ...two, tcpAddress: one.tcpAddress }))).toBe(
      refused(`node.tcpAddr ${one.tcpAddress} has exist`),
    );
    expect(await ask(registry, registration({ ...two, httpAddress: one.httpAddress }))).toBe(
      refused(`node.httpAddr ${one.httpAddress} has exist`),
    );
    // Nobody was asked for that.
    expect(two.requests).toEqual([]);
  });

  it("has a node once that registers again with its id and addresses", async () => {
    const registry = await testRegistry();
    const node = await openNode(1);
    expect(await ask(registry, registration(node))).toBe(SUCCESS);
    expect(await ask(registry, registration(node))).toBe(SUCCESS);
    expect(await idsOf(registry)).toEqual([1]);
  });

  it("has a node once of which two requests came at the same time", async () => {
    const registry = await testRegistry();
    const [one, two] = [await openNode(1), await openNode(1)];
    const answers = await Promise.all([ask(registry, registration(one)), ask(registry, registration(two))]);
    expect(answers.sort()).toEqual([SUCCESS, refused("node.Id 1 has exist")].sort());
  });
});

describe("what is refused", () => {
  const NODE = { tcp_addr: "127.0.0.1:9503", http_addr: "127.0.0.1:9504", weight: "1", node_id: "1" };
  const cases: readonly (readonly [Partial<typeof NODE>, string])[] = [
    [{ tcp_addr: "" }, "tcp_addr is empty"],
    [{ http_addr: "" }, "http_addr is empty"],
    [{ tcp_addr: "127.0.0.1" }, "tcp_addr must be as in 127.0.0.1:9503"],
    [{ tcp_addr: "127.0.0.1:0" }, "tcp_addr must be as in 127.0.0.1:9503"],
    [{ tcp_addr: "127.0.0.1:65536" }, "tcp_addr must be as in 127.0.0.1:9503"],
    [{ http_addr: "127.0.0.1:9504/exitTopic?topic=t" }, "http_addr must be as in 127.0.0.1:9503"],
    [{ http_addr: "user@127.0.0.1:9504" }, "http_addr must be as in 127.0.0.1:9503"],
    [{ http_addr: "127.0.0.1:9504\r\nX: y" }, "http_addr must be as in 127.0.0.1:9503"],
    [{ http_addr: `${"a".repeat(252)}:9504` }, "http_addr must be as in 127.0.0.1:9503"],
    [{ http_addr: "ftp://127.0.0.1:9504" }, "http_addr is an address of HTTP or HTTPS"],
    [{ node_id: "" }, "node_id must be a number from 1 to 1024"],
    [{ node_id: "0" }, "node_id must be a number from 1 to 1024"],
    [{ node_id: "1025" }, "node_id must be a number from 1 to 1024"],
    [{ node_id: "1e2" }, "node_id must be a number from 1 to 1024"],
    [{ weight: "-1" }, "weight must be a number from 0 to 2147483647"],
    [{ weight: "" }, "weight must be a number from 0 to 2147483647"],
  ];

  it.each(cases)("a registration with %j: %s", async (fields, text) => {
    const registry = await testRegistry();
    const query = new URLSearchParams({ ...NODE, ...fields }).toString();
    expect(await ask(registry, `/register?${query}`)).toBe(refused(text));
  });

  it("a node whose HTTP port does not answer pings", async () => {
    const registry = await testRegistry();
    const node = await openNode(1);
    node.answers = false;
    expect(await ask(registry, registration(node))).toBe(
      refused(`http_addr ${node.httpAddress} does not answer /ping`),
    );
    expect(await idsOf(registry)).toEqual([]);
  });

  it("a node whose TCP port is not open", async () => {
    const registry = await testRegistry();
    const node = await openNode(1);
    const closed = createServer();
    const tcpAddress = `127.0.0.1:${await listen(closed)}`;
    closed.close();
    expect(await ask(registry, registration({ ...node, tcpAddress }))).toBe(
      refused(`tcp_addr ${tcpAddress} does not accept connections`),
    );
  });

  it("not a node whose ports open only while it registers, as those of gmq do", async () => {
    const registry = await testRegistry();
    const node = await openNode(1);
    const holder = createServer();
    const port = await listen(holder);
    holder.close();
    // The first look finds its TCP port closed.
    const httpAddress = await serveHttp((_, response) => {
      response.end("OK");
      if (late.listening) return;
      late.listen(port, "127.0.0.1");
    });
    const late = createServer();
    onTestFinished(() => void late.close());
    expect(await ask(registry, registration({ ...node, httpAddress, tcpAddress: `127.0.0.1:${port}` }))).toBe(SUCCESS);
  });

  it("a node whose HTTP port accepts and says nothing, after a bounded time", async () => {
    const registry = await testRegistry({ pingTimeout: 50 });
    const node = await openNode(1);
    let tries = 0;
    const mute = createServer(() => tries++);
    onTestFinished(() => void mute.close());
    const httpAddress = `127.0.0.1:${await listen(mute)}`;
    expect(await ask(registry, registration({ ...node, httpAddress }))).toBe(
      refused(`http_addr ${httpAddress} does not answer /ping`),
    );
    // The time is that of all tries: whoever registers would not wait for longer.
    expect(tries).toBe(1);
  });

  it("a node that stopped while it was registered", async () => {
    const registry = await testRegistry();
    const node = await openNode(1);
    const asked = deferred<() => void>();
    const httpAddress = await serveHttp((_, response) => asked.resolve(() => response.end("OK")));
    const answer = ask(registry, registration({ ...node, httpAddress }));
    const goOn = await asked.promise;
    expect(await ask(registry, `/unregister?tcp_addr=${node.tcpAddress}`)).toBe(SUCCESS);
    goOn();
    expect(await answer).toBe(refused("the registration was cancelled"));
    expect(await idsOf(registry)).toEqual([]);
  });

  it("more registrations at once than there may be", async () => {
    const registry = await testRegistry();
    const waiting: (() => void)[] = [];
    const full = deferred<void>();
    const httpAddress = await serveHttp((_, response) => {
      waiting.push(() => response.end("OK"));
      if (waiting.length === 16) full.resolve();
    });
    const node = await openNode(1);
    const answers = Array.from({ length: 16 }, () => ask(registry, registration({ ...node, httpAddress })));
    await full.promise;
    expect(await ask(registry, registration(node))).toBe(refused("too many nodes register at once; try again"));
    for (const goOn of waiting) goOn();
    await Promise.all(answers);
    expect(await ask(registry, registration({ ...(await openNode(2)) }))).toBe(SUCCESS);
  });
});

describe("a node with TLS", () => {
  it("registers with a certificate that it made itself, with a scheme and without", async () => {
    const registry = await testRegistry();
    const [one, two] = [await openNode(1, { tls: TLS }), await openNode(2, { tls: TLS })];
    expect(await ask(registry, registration(one))).toBe(SUCCESS);
    expect(await ask(registry, registration({ ...two, httpAddress: `https://${two.httpAddress}` }))).toBe(SUCCESS);
    expect(await idsOf(registry)).toEqual([1, 2]);
  });

  it("is pinged in plain text no more once it was reached otherwise", async () => {
    const registry = await testRegistry();
    let plain = 0;
    const node = await openNode(1, { tls: TLS, onPlainText: () => plain++ });
    expect(await ask(registry, registration(node))).toBe(SUCCESS);
    await expect.poll(() => node.requests.length, POLL).toBeGreaterThan(2);
    const [before, pings] = [plain, node.requests.length];
    await expect.poll(() => node.requests.length, POLL).toBeGreaterThan(pings + 5);
    expect(plain).toBe(before);
  });

  it("registers though it lets in nobody without a certificate", async () => {
    const registry = await testRegistry();
    const node = await openNode(1, { tls: { ...TLS, ca: TLS.cert, requestCert: true } });
    expect(await ask(registry, registration(node))).toBe(SUCCESS);
    expect(node.requests).toEqual([]);
  });

  it("is not asked for in plain text when its address says https", async () => {
    const registry = await testRegistry();
    const node = await openNode(1);
    const httpAddress = `https://${node.httpAddress}`;
    expect(await ask(registry, registration({ ...node, httpAddress }))).toBe(
      refused(`http_addr ${httpAddress} does not answer /ping`),
    );
    expect(node.requests).toEqual([]);
  });
});

describe("a registry is no way to reach others", () => {
  it("follows no redirect and tells nothing of an answer", async () => {
    const registry = await testRegistry();
    const inner: string[] = [];
    const target = await serveHttp((request, response) => {
      inner.push(request.url ?? "");
      response.end("secret");
    });
    const httpAddress = await serveHttp((_, response) => {
      response.writeHead(302, { location: `http://${target}/secret` }).end("secret");
    });
    const node = await openNode(1);
    const answer = await ask(registry, registration({ ...node, httpAddress }));
    expect(answer).toBe(refused(`http_addr ${httpAddress} does not answer /ping`));
    expect(inner).toEqual([]);
  });

  it("reads no more of an answer than its status", async () => {
    const registry = await testRegistry();
    const ended = deferred<void>();
    let sent = 0;
    const httpAddress = await serveHttp((_, response) => {
      const part = Buffer.alloc(65_536);
      const send = (): void => {
        while (response.write(part)) sent += part.length;
      };
      response.on("drain", send).on("close", ended.resolve);
      send();
    });
    const node = await openNode(1);
    expect(await ask(registry, registration({ ...node, httpAddress }))).toBe(SUCCESS);
    await ended.promise;
    // What the sockets between hold.
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  it("refuses pages of other sites and names that were made to lead to it", async () => {
    const registry = await testRegistry();
    const node = await openNode(1);
    const { port } = registry.address;
    const foreign = refused("pages of other sites may not use this registry, and it must be called by its address");
    for (const headers of [
      { origin: "http://evil.example" },
      { origin: "null" },
      { "sec-fetch-site": "cross-site" },
      { host: "evil.example" },
    ]) {
      const answer = await exchange(port, { method: "GET", path: registration(node), headers });
      expect(answer).toMatchObject({ status: 403, body: foreign });
    }
    expect(node.requests).toEqual([]);
    const own = { origin: `http://127.0.0.1:${port}`, "sec-fetch-site": "same-origin" };
    expect((await exchange(port, { method: "GET", path: registration(node), headers: own })).body).toBe(SUCCESS);
  });

  it("lets in the pages that it is told to", async () => {
    const registry = await testRegistry({ allowOrigin: ["http://console.example"] });
    const head =
      "GET /getNodes HTTP/1.1\r\nHost: localhost\r\nOrigin: http://console.example\r\nConnection: close\r\n\r\n";
    const answer = await sendRaw(registry.address.port, head);
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(/^access-control-allow-origin: (.*)$/im.exec(answer)?.[1]).toBe("http://console.example");
  });
});
