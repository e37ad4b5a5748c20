import { createServer } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { connectNodes } from "../../../src/client/nodes/connect-nodes.js";
import { error, hello, ScriptedBroker } from "../scripted-broker.js";
import { statesBecome, twoNodes } from "./scripted-nodes.js";

const NODES = { nodes: [{ url: "tcp://127.0.0.1:1" }] };

describe("arguments that are refused before anything is asked", () => {
  it.each([
    ["no source", {}],
    ["two sources", { registry: "127.0.0.1:9595", nodes: NODES.nodes }],
    ["a source of an unknown kind", { consul: "127.0.0.1:8500" }],
    ["null", null],
    ["a registry that is no text", { registry: 9595 }],
    ["a registry that is no address", { registry: "nowhere" }],
    ["no endpoint of etcd", { etcd: [] }],
    ["one endpoint that is no list", { etcd: "127.0.0.1:2379" }],
    ["an endpoint that is no text", { etcd: [2379] }],
    ["no node", { nodes: [] }],
    ["a node without a URL", { nodes: [{ weight: 1 }] }],
    ["a node with a wrong URL", { nodes: [{ url: "http://127.0.0.1:9504" }] }],
    ["a weight below 0", { nodes: [{ url: "tcp://127.0.0.1:1", weight: -1 }] }],
  ])("%s", async (_, source) => {
    await expect(connectNodes(source as never)).rejects.toMatchObject({ name: "RingmqError", code: "BAD_ARGUMENT" });
  });

  it.each([
    { pick: "best" },
    { scheme: "http" },
    { refreshInterval: 10 },
    { pingInterval: Number.NaN },
    { retryTimeout: -1 },
    { connectTimeout: "1s" },
    { refresh: 1000 },
  ])("%o", async (options) => {
    await expect(connectNodes(NODES, options as never)).rejects.toMatchObject({ code: "BAD_ARGUMENT" });
  });
});

it("no node that can be reached: the reason is told, and nothing stays behind", async () => {
  await expect(connectNodes(NODES)).rejects.toMatchObject({ code: "CONNECT_FAILED", retryable: true });
});

it("one node that can be reached is enough; the other is used as soon as it can be", async () => {
  const first = await ScriptedBroker.start(hello());
  const second = await ScriptedBroker.start(error(0, 15, "too many connections", true, true));
  const client = await connectNodes({ nodes: [{ url: first.url }, { url: second.url }] });
  onTestFinished(() => client.close());
  await statesBecome(client, "connected", "lost");
  expect(client.nodes[1]?.error).toMatchObject({ code: "TOO_MANY_CONNECTIONS" });
});

it("a signal gives up connecting", async () => {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  const abort = new AbortController();
  const connecting = connectNodes({ nodes: [{ url: `tcp://127.0.0.1:${port}` }] }, { signal: abort.signal });
  server.once("connection", () => abort.abort(new Error("enough")));
  await expect(connecting).rejects.toMatchObject({ code: "ABORTED", cause: { message: "enough" } });
  await expect(connectNodes(NODES, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "ABORTED" });
});

it("status tells of each node, and ends with the client", async () => {
  const { client, first } = await twoNodes();
  const events = client.status();
  first.socket.destroy();
  const { value: lost } = await events.next();
  expect(lost).toMatchObject({
    type: "lost",
    node: { url: first.url, state: "lost" },
    error: { code: "CONNECTION_CLOSED" },
  });
  const { value: back } = await events.next();
  expect(back).toMatchObject({ type: "connected", node: { url: first.url, state: "connected" } });
  const end = events.next();
  await client.close();
  expect(await end).toEqual({ done: true, value: undefined });
  expect(await client.status().next()).toEqual({ done: true, value: undefined });
});
