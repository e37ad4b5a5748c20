/** What a worker does about the leases of its messages, and how it ends, by the clock of a test broker. */
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Client } from "../../../src/client/client.js";
import { gated, numbers, open, queueOf, TTR } from "./gate.js";

describe("a lease", () => {
  it("is renewed as long as the handler runs, and costs no retry", async () => {
    const { broker, client } = await open();
    const { gate, worker } = await gated(client, { concurrency: 2 });
    await client.publishBatch("jobs", numbers(2));
    await gate.begun(2);
    await broker.clock.advance("1 hour");
    gate.run(0).end();
    await broker.clock.advance("1 hour");
    gate.run(1).end();
    await broker.clock.advance(0);
    expect([gate.runs.length, worker.processed, worker.lost]).toEqual([2, 2, 0]);
    expect(await client.stats("jobs")).toMatchObject({ acked: 2, retried: 0 });
  });

  it.each([1, 7, 40])("of %i milliseconds is renewed in time", async (ttr) => {
    const { broker, client } = await open({ ttr });
    const { gate } = await gated(client);
    await client.publish("jobs", "short");
    await gate.begun(1);
    await broker.clock.advance(10 * ttr);
    expect([gate.runs.length, gate.code(0)]).toEqual([1, undefined]);
  });

  it("is renewed in time after its topic's TTR was cut", async () => {
    const { broker, client } = await open({ ttr: 60_000 });
    const { gate } = await gated(client);
    await client.configure("jobs", { ttr: 500 });
    await client.publish("jobs", "x");
    await gate.begun(1);
    await broker.clock.advance("1 hour");
    expect([gate.runs.length, gate.code(0)]).toEqual([1, undefined]);
  });

  it("is left to end after the handler's timeout: what it settles within a TTR counts, then it is somebody else's", async () => {
    const { broker, client } = await open();
    const { gate, worker } = await gated(client, { timeout: 60_000, concurrency: 3 });
    await client.publishBatch("jobs", ["returns", "throws", "never ends"]);
    await gate.begun(3);
    await broker.clock.advance(59_999);
    expect([0, 1, 2].map((i) => gate.code(i))).toEqual([undefined, undefined, undefined]);
    await broker.clock.advance(1);
    expect([0, 1, 2].map((i) => gate.code(i))).toEqual(["HANDLER_TIMEOUT", "HANDLER_TIMEOUT", "HANDLER_TIMEOUT"]);
    gate.run(0).end();
    gate.run(1).fail(gate.run(1).signal.reason);
    await gate.begun(4);
    expect([gate.run(3).message.text(), gate.run(3).message.retry]).toEqual(["throws", 1]);
    await broker.clock.advance(TTR);
    await gate.begun(5);
    expect([gate.run(4).message.text(), gate.run(4).message.retry]).toEqual(["never ends", 1]);
    // It has its place until it ends, and its end changes nothing.
    expect(worker.running).toBe(3);
    gate.run(2).end();
    gate.run(3).end();
    gate.run(4).end();
    await broker.clock.advance(0);
    expect(await client.stats("jobs")).toMatchObject({ acked: 3, retried: 2 });
    expect([worker.running, worker.failed, worker.lost]).toEqual([0, 1, 1]);
  });
});

describe("the signal of a handler", () => {
  const losses: Record<string, readonly [string, (client: Client, id: string) => Promise<unknown>]> = {
    "was purged": ["UNKNOWN_MESSAGE", (client) => client.purge("jobs", { state: "in-flight" })],
    "was acked by somebody else": ["UNKNOWN_MESSAGE", (client, id) => client.ackById("jobs", id)],
    "was nacked by somebody else": ["LEASE_LOST", (client, id) => client.nackById("jobs", id, { delay: 86_400_000 })],
    "has lost its topic": ["NO_TOPIC", (client) => client.deleteTopic("jobs")],
  };

  it.each(Object.entries(losses))("fires when its message %s", async (_what, [code, lose]) => {
    const { broker, client } = await open();
    const { gate, worker } = await gated(client);
    await client.publish("jobs", "x");
    await gate.begun(1);
    await lose(client, gate.run(0).message.id);
    expect(gate.code(0)).toBe(undefined);
    await broker.clock.advance(TTR);
    expect([gate.code(0), worker.lost]).toEqual([code, 1]);
    gate.run(0).end();
    await broker.clock.advance(0);
    expect([worker.processed, worker.failed, worker.lost, worker.running]).toEqual([0, 0, 1, 0]);
  });

  it.each(["ends", "throws"])(
    "fires when its connection is lost, and nothing becomes of it when it %s then",
    async (how) => {
      const { broker, client } = await open();
      const { gate, worker } = await gated(client);
      await client.publish("jobs", "x");
      await gate.begun(1);
      await broker.cut();
      expect([gate.code(0), worker.lost]).toEqual(["CONNECTION_CLOSED", 1]);
      if (how === "ends") gate.run(0).end();
      else gate.run(0).fail(new Error("no"));
      // The client has connected again, and its worker has the message once more.
      await gate.begun(2);
      expect([worker.processed, worker.failed, worker.lost, worker.running]).toEqual([0, 0, 1, 1]);
      expect([gate.run(1).message.text(), gate.run(1).message.retry]).toEqual(["x", 1]);
    },
  );

  it("has fired when it is asked for late, and is none of another's", async () => {
    const { broker, client } = await open();
    const contexts: { signal: AbortSignal }[] = [];
    const worker = await client.work("jobs", (_message, context) => {
      contexts.push(context);
      return contexts.length === 1 ? new Promise(() => {}) : undefined;
    });
    await client.publish("jobs", "x");
    while (contexts.length === 0) await turn();
    await client.purge("jobs", { state: "in-flight" });
    await broker.clock.advance(TTR);
    expect(contexts[0]?.signal.reason).toMatchObject({ code: "UNKNOWN_MESSAGE" });
    expect(worker.running).toBe(1);
  });

  it("fires with the worker's own, whose reason is the cause; the worker ends", async () => {
    const { broker, client } = await open();
    const abort = new AbortController();
    const { gate, worker } = await gated(client, { signal: abort.signal, concurrency: 2 });
    await client.publishBatch("jobs", numbers(5));
    await gate.begun(2);
    abort.abort("enough");
    expect(gate.run(0).signal.reason).toMatchObject({ code: "ABORTED", cause: "enough" });
    gate.run(0).fail(gate.run(0).signal.reason);
    gate.run(1).end();
    expect(await worker.closed).toBe(undefined);
    await broker.clock.advance(0);
    expect(gate.runs.length).toBe(2);
    expect(await client.stats("jobs")).toMatchObject({ acked: 1, retried: 1, queues: [{ ready: 4, inFlight: 0 }] });
    await expect(client.work("jobs", gate.handler, { signal: abort.signal })).rejects.toMatchObject({
      code: "ABORTED",
    });
  });
});

describe("the end of a worker", () => {
  it("waits in a drain for handlers that run, and gives back what was not begun", async () => {
    const { broker, client } = await open();
    const { gate, worker } = await gated(client, { concurrency: 2 });
    await client.publishBatch("jobs", numbers(9));
    await gate.begun(2);
    let isOver = false;
    const draining = worker.drain().then(() => {
      isOver = true;
    });
    gate.run(0).end();
    await broker.clock.advance("1 hour");
    expect([isOver, gate.code(1), worker.running]).toEqual([false, undefined, 1]);
    gate.run(1).end();
    await draining;
    expect(gate.runs.length).toBe(2);
    expect(await client.stats("jobs")).toMatchObject({ acked: 2, retried: 0, released: expect.any(Number) });
    expect(await queueOf(client)).toMatchObject({ ready: 7, inFlight: 0, consumers: 0 });
  });

  it("fires signals at the time limit of a close, and leaves what goes on to its lease", async () => {
    const { broker, client } = await open();
    const { gate, worker } = await gated(client, { concurrency: 3 });
    await client.publishBatch("jobs", ["gives up", "ends late", "never ends"]);
    await gate.begun(3);
    gate.run(0).signal.addEventListener("abort", () => gate.run(0).fail(gate.run(0).signal.reason));
    await worker.close({ timeout: 10 });
    expect([0, 1, 2].map((i) => gate.code(i))).toEqual(["CLIENT_CLOSED", "CLIENT_CLOSED", "CLIENT_CLOSED"]);
    expect(await queueOf(client)).toMatchObject({ ready: 1, inFlight: 2 });
    gate.run(1).end();
    await broker.clock.advance(0);
    expect(await queueOf(client)).toMatchObject({ ready: 1, inFlight: 1 });
    await broker.clock.advance(TTR);
    const messages = await client.pop("jobs", { max: 9 });
    expect(messages.map((message) => [message.text(), message.retry])).toEqual([
      ["gives up", 1],
      ["never ends", 1],
    ]);
    expect(await worker.closed).toBe(undefined);
  });

  it("comes with that of its client: a drain waits for handlers, a close takes their messages away", async () => {
    const { broker, client } = await open();
    const { gate } = await gated(client);
    await client.publishBatch("jobs", numbers(2));
    await gate.begun(1);
    const draining = client.drain();
    await broker.clock.advance("1 hour");
    gate.run(0).end();
    await draining;
    const other = await broker.connect();
    expect(await other.stats("jobs")).toMatchObject({ acked: 1, retried: 0, queues: [{ ready: 1 }] });
    const second = await gated(other);
    await second.gate.begun(1);
    await other.close();
    expect(second.gate.code(0)).toBe("CLIENT_CLOSED");
    expect(await second.worker.closed).toBe(undefined);
  });

  it("comes when its topic is deleted, with why", async () => {
    const { broker, client } = await open();
    const { gate, worker } = await gated(client);
    await client.publish("jobs", "x");
    await gate.begun(1);
    await client.deleteTopic("jobs");
    await broker.clock.advance(TTR);
    expect(await worker.closed).toMatchObject({ code: "TOPIC_DELETED" });
  });

  it("is that of `await using`, and is told by console.log", async () => {
    const { client } = await open();
    {
      await using worker = await client.work("jobs", async () => {}, { concurrency: 4 });
      expect(JSON.parse(JSON.stringify(worker))).toEqual({
        topic: "jobs",
        concurrency: 4,
        running: 0,
        processed: 0,
        failed: 0,
        lost: 0,
      });
    }
    expect((await queueOf(client))?.consumers).toBe(0);
  });
});
