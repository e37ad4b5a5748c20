/** Asking for nodes: what is wrong with an answer, or with a part of it. */
import { createServer } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  listAnnounced,
  listRegistered,
  RegistryRefusal,
  UnreachableError,
} from "../../src/registry/discovery/index.js";
import { serviceUrl } from "../../src/registry/discovery/node-address.js";
import { listen, serveHttp } from "./nodes.js";

const NODE = {
  id: 1,
  http_addr: "10.0.0.1:9504",
  tcp_addr: "10.0.0.1:9503",
  join_time: "2006-01-02 15:04:05",
  weight: 3,
};
const READ = {
  id: 1,
  httpAddress: "10.0.0.1:9504",
  tcpAddress: "10.0.0.1:9503",
  joinTime: "2006-01-02 15:04:05",
  weight: 3,
};

/** A registry or an etcd that answers everything with the same. */
const answering = (body: string | Buffer, status = 200): Promise<string> =>
  serveHttp((_, response) => response.writeHead(status).end(body));

const envelope = (nodes: unknown): string => JSON.stringify({ code: 0, data: { nodes }, msg: "success" });

describe("a registry", () => {
  it("lists its nodes; those that no client could use are left out", async () => {
    const bad = [
      null,
      7,
      "node",
      [],
      {},
      { ...NODE, id: 0 },
      { ...NODE, id: 1.5 },
      { ...NODE, id: 1025 },
      { ...NODE, id: {} },
      { ...NODE, weight: -1 },
      { ...NODE, weight: "many" },
      { ...NODE, tcp_addr: undefined },
      { ...NODE, tcp_addr: "10.0.0.1" },
      { ...NODE, tcp_addr: "10.0.0.1:99999" },
      { ...NODE, http_addr: `${"x".repeat(300)}:1` },
      { ...NODE, http_addr: "10.0.0.1:1/path" },
      { ...NODE, http_addr: "1.2.3.4.5:80" },
      { ...NODE, tcp_addr: "[::::]:80" },
    ];
    const second = { ...NODE, id: 2, tcp_addr: "[::1]:1", http_addr: ":2", join_time: 7 };
    const registry = await answering(envelope([...bad, NODE, ...bad, second, { ...NODE, weight: 9 }]));
    const read = { ...READ, id: 2, tcpAddress: "[::1]:1", httpAddress: ":2", joinTime: "" };
    expect(await listRegistered(registry)).toEqual([READ, read]);
    expect(await listRegistered(`http://${registry}/`)).toEqual([READ, read]);
  });

  it("of gmq lists nobody as null", async () => {
    expect(await listRegistered(await answering(envelope(null)))).toEqual([]);
  });

  it("lists no more nodes than there can be", async () => {
    const nodes = Array.from({ length: 5000 }, (_, i) => ({ ...NODE, id: (i % 2000) + 1 }));
    expect(await listRegistered(await answering(envelope(nodes)))).toHaveLength(1024);
  });

  it("refuses in its own words", async () => {
    const registry = await answering('{"code":1,"data":null,"msg":"not\\n today"}');
    await expect(listRegistered(registry)).rejects.toThrow(new RegistryRefusal("not  today"));
  });

  it.each([
    ["no JSON", "<html>", /does not answer with JSON/],
    ["nothing", "", /does not answer with JSON/],
    ["a list", "[]", /does not answer as a registry/],
    ["another code", '{"code":"0"}', /does not answer as a registry/],
    ["no data", '{"code":0,"data":null,"msg":"success"}', /does not answer as a registry/],
    ["no list", envelope({}), /does not answer as a registry/],
    ["too much", Buffer.alloc(3 * 1024 * 1024, 0x20), /answers with more than 2097152 bytes/],
  ])("that answers with %s is none", async (_, body, text) => {
    const failure = await listRegistered(await answering(body)).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(UnreachableError);
    expect(String(failure)).toMatch(text);
  });

  it("that sends without end is read up to a bound", async () => {
    const registry = await serveHttp((_, response) => {
      const part = Buffer.alloc(65_536, 0x20);
      const send = (): void => {
        while (!response.destroyed && response.write(part));
      };
      response.on("drain", send);
      send();
    });
    await expect(listRegistered(registry)).rejects.toThrow(/more than/);
  });

  it("that redirects is not followed", async () => {
    const other = await answering(envelope([NODE]));
    const registry = await serveHttp((_, response) => {
      response.writeHead(302, { location: `http://${other}/getNodes` }).end();
    });
    await expect(listRegistered(registry)).rejects.toThrow(UnreachableError);
  });

  it("that says nothing is waited for as long as was said", async () => {
    const mute = createServer();
    onTestFinished(() => void mute.close());
    const registry = `127.0.0.1:${await listen(mute)}`;
    await expect(listRegistered(registry, { timeout: 20 })).rejects.toThrow(/does not answer within 20 ms/);
    const stop = new AbortController();
    const failure = expect(listRegistered(registry, { signal: stop.signal })).rejects.toThrow("enough");
    stop.abort(new Error("enough"));
    await failure;
  });

  it("that is not there cannot be reached", async () => {
    const gone = createServer();
    const registry = `127.0.0.1:${await listen(gone)}`;
    gone.close();
    await expect(listRegistered(registry)).rejects.toThrow(/cannot be reached: .*ECONNREFUSED/);
    await expect(listRegistered("ftp://127.0.0.1:1")).rejects.toThrow(RangeError);
  });
});

describe("etcd", () => {
  const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64");
  const entry = { ...NODE, id: undefined, node_id: "1", weight: "3" };

  it("has nodes as JSON of strings; entries of another kind are left out", async () => {
    const values = ["!", "AA==", base64([]), base64({ ...entry, weight: "x" }), base64(entry), 7, undefined];
    const endpoint = await answering(JSON.stringify({ kvs: [null, ...values.map((value) => ({ value }))] }));
    expect(await listAnnounced([endpoint])).toEqual([READ]);
  });

  it("without a node answers without entries", async () => {
    expect(await listAnnounced([await answering('{"header":{}}')])).toEqual([]);
  });

  it("is asked at one endpoint after the other", async () => {
    const gone = createServer();
    const closed = `127.0.0.1:${await listen(gone)}`;
    gone.close();
    const leaderless = await answering('{"error":"etcdserver: no leader","code":14}', 503);
    const whole = await answering(JSON.stringify({ kvs: [{ value: base64(entry) }] }));
    expect(await listAnnounced([closed, await answering("<html>"), leaderless, whole])).toEqual([READ]);
    await expect(listAnnounced([closed, leaderless])).rejects.toThrow(/answers 503: etcdserver: no leader/);
    await expect(listAnnounced([])).rejects.toThrow(RangeError);
  });

  it("is asked at the last endpoint in time though those before it say nothing", async () => {
    const mute = createServer();
    onTestFinished(() => void mute.close());
    const silent = `127.0.0.1:${await listen(mute)}`;
    const whole = await answering(JSON.stringify({ kvs: [{ value: base64(entry) }] }));
    const begin = performance.now();
    expect(await listAnnounced([silent, silent, whole], { timeout: 1500 })).toEqual([READ]);
    expect(performance.now() - begin).toBeLessThan(1500);
  });

  it("refuses for all endpoints", async () => {
    const asked: string[] = [];
    const refusing = await answering('{"error":"etcdserver: permission denied","code":7}', 403);
    const other = await serveHttp((request, response) => {
      asked.push(request.url ?? "");
      response.end("{}");
    });
    await expect(listAnnounced([refusing, other])).rejects.toThrow(/permission denied/);
    expect(asked).toEqual([]);
  });
});

it.each([
  ["127.0.0.1:9595", "http://127.0.0.1:9595"],
  [" http://127.0.0.1:9595/ ", "http://127.0.0.1:9595"],
  ["HTTPS://Registry.example:1", "https://Registry.example:1"],
  [":9595", "http://127.0.0.1:9595"],
  ["[::1]:9595", "http://[::1]:9595"],
])("the address %s is %s", (address, url) => {
  expect(serviceUrl(address)).toBe(url);
});

it.each(["", "localhost", "http://localhost", "localhost:0", "localhost:1/x", "a b:1", "http://u@h:1", "ws://h:1"])(
  "%s is no address of a registry",
  (address) => {
    expect(() => serviceUrl(address)).toThrow(RangeError);
  },
);
