/** The client with servers as memmq's own are, which know nothing of positions. */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { type ClientOptions, createClient, type MemmqClient, type Resolver } from "../../src/memmq-client/index.js";
import type { ServerStatus } from "../../src/memmq-client/options.js";
import { PlainServer } from "./plain-server.js";

const plainServer = async (): Promise<PlainServer> => {
  const server = await PlainServer.start();
  onTestFinished(() => server.close());
  return server;
};

const testClient = (options: ClientOptions): MemmqClient => {
  const client = createClient(options);
  onTestFinished(() => client.close());
  return client;
};

const textOf = (payload: Uint8Array | undefined): string => new TextDecoder().decode(payload);

it("publishes in order, and again what a server refuses for now or cuts off", async () => {
  const server = await plainServer();
  server.statuses = [200, 503, 200, 0];
  const client = testClient({ servers: [server.url] });
  await Promise.all(["a", "b", "c", "d"].map((text) => client.publish("t", text)));
  expect(server.published).toEqual(["a", "b", "b", "c", "c", "d"]);
});

it("gives up after 1 + retries tries, and at once what is refused for good", async () => {
  const server = await plainServer();
  const client = testClient({ servers: [server.url], retries: 2 });
  server.statuses = [503, 503, 503];
  await expect(client.publish("t", "a")).rejects.toMatchObject({ code: "BUSY", retryable: true });
  server.statuses = [400];
  await expect(client.publish("t", "b")).rejects.toMatchObject({ code: "BAD_ARGUMENT", retryable: false });
  expect(server.published).toEqual(["a", "a", "a", "b"]);
  await server.close();
  const down = testClient({ servers: [server.url], retries: 1 });
  const fates = await Promise.allSettled(["x", "y", "z"].map((text) => down.publish("t", text)));
  for (const fate of fates) expect(fate).toMatchObject({ reason: { code: "CONNECT_FAILED" } });
  // A server that has been down for long costs a publish no more than one that has just gone: a pause of 100 to 200 ms.
  for (let i = 0; i < 2; i++) await down.publish("t", "u").catch(() => {});
  const begin = performance.now();
  await expect(down.publish("t", "v")).rejects.toMatchObject({ code: "CONNECT_FAILED" });
  expect(performance.now() - begin).toBeLessThan(900);
});

it("gives up all that waits for a server that takes connections and says nothing, not one after another", async () => {
  let connections = 0;
  const silent = createServer((socket) => {
    connections++;
    socket.on("error", () => {});
    onTestFinished(() => void socket.destroy());
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void silent.close());
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo;
  const client = testClient({ servers: [`http://127.0.0.1:${port}`], retries: 1, answerTimeout: 50 });
  const fates = await Promise.allSettled(Array.from({ length: 20 }, () => client.publish("t", "x")));
  for (const fate of fates) expect(fate).toMatchObject({ reason: { code: "CONNECTION_CLOSED", retryable: true } });
  expect(connections).toBe(2);
});

it("takes an answer that is an upgrade for a connection that has ended", async () => {
  const server = createServer((socket) => {
    socket.once("data", () =>
      socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"),
    );
    socket.on("error", () => {});
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const client = testClient({ servers: [`http://127.0.0.1:${port}`], retries: 0 });
  await expect(client.publish("t", "x")).rejects.toMatchObject({
    code: "CONNECTION_CLOSED",
    message: expect.stringContaining("HTTP 101"),
  });
});

it("subscribes again when a server is back, and says that something may be lost", async () => {
  const server = await plainServer();
  const client = testClient({ servers: [server.url] });
  const subscription = client.subscribe("t", { from: "start" });
  await subscription.ready;
  server.send(Buffer.from("one"));
  expect((await subscription.next()).value).toMatchObject({ lost: 0, mayHaveLost: false, position: undefined });
  await server.close();
  await server.open();
  await expect.poll(() => server.subscribers, { timeout: 10_000 }).toBe(1);
  server.send(Buffer.from("two"));
  const { value } = await subscription.next();
  expect(textOf(value?.payload)).toBe("two");
  expect(value).toMatchObject({ lost: 0, mayHaveLost: true });
  // What it had before must not come again.
  expect(server.queries[0]).toContain("from=start");
  expect(server.queries.at(-1)).not.toContain("from=");
  // Leaving a loop ends the subscription.
  server.send(Buffer.from("three"));
  for await (const { payload } of subscription) if (textOf(payload) === "three") break;
  await expect.poll(() => server.subscribers).toBe(0);
});

it("ready is rejected when no server can be had, and resolved when one can", async () => {
  const server = await plainServer();
  await server.close();
  const alone = testClient({ servers: [server.url] });
  const waiting = alone.subscribe("t");
  await expect(waiting.ready).rejects.toMatchObject({ code: "CONNECT_FAILED" });
  const other = await plainServer();
  await testClient({ servers: [server.url, other.url] }).subscribe("t").ready;
  await server.open();
  await expect.poll(() => server.subscribers, { timeout: 10_000 }).toBe(2);
});

it("follows the list of servers: those that vanish are let go, new ones are subscribed on", async () => {
  const [one, two] = await Promise.all([plainServer(), plainServer()]);
  let listed = [one];
  const resolver: Resolver = {
    resolve: () => Promise.resolve(listed.map(({ url }) => ({ url, host: "127.0.0.1" }))),
    refreshInterval: 10,
  };
  const statuses: ServerStatus[] = [];
  const client = testClient({ servers: ["some.name"], resolver, onStatus: (status) => statuses.push(status) });
  const subscription = client.subscribe("t");
  await subscription.ready;
  expect([one.subscribers, two.subscribers]).toEqual([1, 0]);
  listed = [two];
  await expect.poll(() => [one.subscribers, two.subscribers]).toEqual([0, 1]);
  await client.publish("t", "to two");
  expect([one.published, two.published]).toEqual([[], ["to two"]]);
  expect(textOf((await subscription.next()).value?.payload)).toBe("to two");
  expect(statuses).toContainEqual({ type: "listed", servers: [two.url] });
});

it("refuses what exceeds maxPendingBytes, and says when there is room; close rejects what is not answered", async () => {
  const server = await plainServer();
  const client = testClient({ servers: [server.url], maxPendingBytes: 4_096 });
  const first = client.publish("t", "x".repeat(3_000));
  await expect(client.publish("t", "y".repeat(3_000))).rejects.toMatchObject({ code: "CLIENT_BUSY" });
  await client.ready();
  await first;
  await server.close();
  const late = client.publish("t", "z");
  await client.close();
  await expect(late).rejects.toMatchObject({ code: "CLIENT_CLOSED" });
  await expect(client.publish("t", "z")).rejects.toMatchObject({ code: "CLIENT_CLOSED" });
  expect(() => client.subscribe("t")).toThrow("the client is closed");
});

it.each([
  [{ servers: [] }, "servers must be"],
  [{ servers: ["a b"] }, "is no server"],
  [{ selector: "some" as "all" }, 'selector must be "all" or "shard" or "rendezvous"'],
  [{ retries: -1 }, "retries must be"],
  [{ ca: "ca.pem" }, "not the path of one"],
  [{ server: ["a"] } as ClientOptions, "did you mean servers?"],
])("createClient(%j) is refused", (options, text) => {
  expect(() => createClient(options)).toThrow(text);
});
