/** What a worker does with messages and handlers, by the clock of a test broker. */
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { Message } from "../../../src/client/consume/message.js";
import { UnrecoverableError } from "../../../src/client/work/unrecoverable-error.js";
import type { WorkOptions } from "../../../src/client/work/work-options.js";
import { gated, numbers, open, queueOf } from "./gate.js";

describe("the end of a handler", () => {
  it("settles its message: it has returned, has thrown, will do neither, or has settled it itself", async () => {
    const { broker, client } = await open({ retries: 2 });
    const attempts: string[] = [];
    const failures: unknown[] = [];
    const worker = await client.work(
      "jobs",
      async (message, { attempt }) => {
        const text = message.text();
        attempts.push(`${text} ${attempt}`);
        if (text === "throws") throw new Error("no");
        if (text === "hopeless") throw new UnrecoverableError("never");
        if (text === "marked") throw Object.assign(new Error("never"), { retry: false });
        if (text === "number") return Promise.reject(7);
        if (text === "own ack") void message.ack();
        if (text === "own nack") void message.nack({ delay: 86_400_000 });
        if (text === "odd")
          throw new Proxy(
            {},
            {
              get: () => {
                throw new Error("a trap");
              },
            },
          );
      },
      { onFailed: (error, message) => void failures.push([message.text(), error instanceof Error && error.message]) },
    );
    await client.publishBatch("jobs", ["returns", "throws", "hopeless", "marked", "own ack", "own nack"]);
    await broker.clock.advance("1 s");
    expect(attempts.sort()).toEqual([
      "hopeless 1",
      "marked 1",
      "own ack 1",
      "own nack 1",
      "returns 1",
      "throws 1",
      "throws 2",
      "throws 3",
    ]);
    expect(failures.sort()).toEqual([
      ["hopeless", "never"],
      ["marked", "never"],
      ["throws", "no"],
      ["throws", "no"],
      ["throws", "no"],
    ]);
    expect([worker.processed, worker.failed, worker.lost, worker.running]).toEqual([3, 5, 0, 0]);
    const { acked, queues } = await client.stats("jobs");
    expect([acked, queues[0]]).toMatchObject([2, { deadLetters: 3, delayed: 1, ready: 0, inFlight: 0 }]);
    await client.publishBatch("jobs", ["odd", "number"]);
    await broker.clock.advance("1 s");
    expect(worker.failed).toBe(11);
    const dead = await client.browse("jobs", { state: "dead" });
    const reasons = dead.map((message) => [
      message.text(),
      message.failures.map(({ reason }) => reason.split("\n")[0]),
    ]);
    expect(Object.fromEntries(reasons)).toEqual({
      throws: ["Error: no", "Error: no", "Error: no"],
      hopeless: ["UnrecoverableError: never"],
      marked: ["Error: never"],
      odd: Array.from({ length: 3 }, () => "for a reason that cannot be read"),
      number: ["7", "7", "7"],
    });
    expect(dead[0]?.failures[0]?.reason).toMatch(/^.*: .*\n +at /);
  });

  it("is seen of a handler that is no async function, and of one that returns another kind of promise", async () => {
    const { broker, client } = await open();
    const seen: string[] = [];
    const worker = await client.work("jobs", (message) => {
      seen.push(message.text());
      // biome-ignore lint/suspicious/noThenProperty: a promise of another library
      if (message.text() === "thenable") return { then: (resolve: () => void) => resolve() };
      if (message.text() === "twice") {
        // biome-ignore lint/suspicious/noThenProperty: a promise of another library
        return { then: (resolve: () => void, reject: (error: Error) => void) => [resolve(), reject(new Error("too"))] };
      }
      if (message.text() === "throws" && message.retry === 0) throw new Error("no");
      return 7;
    });
    await client.publishBatch("jobs", ["returns", "thenable", "twice", "throws"]);
    await broker.clock.advance("1 s");
    expect(seen).toEqual(["returns", "thenable", "twice", "throws", "throws"]);
    expect([worker.processed, worker.failed]).toEqual([4, 1]);
    expect((await client.stats("jobs")).acked).toBe(4);
  });

  it("is retried after the delay that it asks for, or that a function tells; else as the topic says", async () => {
    const { broker, client } = await open();
    const printed = vi.spyOn(console, "error").mockImplementation(() => {});
    onTestFinished(() => printed.mockRestore());
    await client.configure("jobs", { retryDelay: 7000 });
    const begin = broker.clock.now;
    const times: Record<string, number[]> = {};
    const handler = async (message: Message): Promise<void> => {
      times[message.text()] = [...(times[message.text()] ?? []), (broker.clock.now - begin) / 1000];
      if (message.retry < 2) throw new Error(message.text());
    };
    const delays: Record<string, WorkOptions["retry"]> = {
      number: { delay: 5000 },
      function: { delay: (attempt, error) => (error as Error).message.length * 1000 * attempt },
      topic: undefined,
      undefined: { delay: () => undefined },
      wrong: { delay: () => -1 },
      throws: {
        delay: () => {
          throw new Error("no");
        },
      },
    };
    await client.configure("jobs", { mode: "exact", retryFactor: 1 });
    for (const [queue, retry] of Object.entries(delays)) {
      await client.declareQueue("jobs", queue);
      await client.work("jobs", handler, { queue, retry });
      await client.publish("jobs", queue, { routeKey: queue });
    }
    await broker.clock.advance("1 minute");
    expect(times).toEqual({
      number: [0, 5, 10],
      function: [0, 8, 24],
      topic: [0, 7, 14],
      undefined: [0, 7, 14],
      wrong: [0, 7, 14],
      throws: [0, 7, 14],
    });
    expect(printed).toHaveBeenCalledTimes(4);
  });

  it("of a hook that throws is printed, and ends nothing", async () => {
    const { broker, client } = await open({ retries: 0 });
    const printed = vi.spyOn(console, "error").mockImplementation(() => {});
    onTestFinished(() => printed.mockRestore());
    const onFailed = async (): Promise<void> => {
      throw new Error("a hook");
    };
    const worker = await client.work("jobs", () => Promise.reject(new Error("no")), { onFailed });
    await client.publishBatch("jobs", numbers(3));
    await broker.clock.advance("1 s");
    expect([worker.failed, printed.mock.calls.length]).toEqual([3, 3]);
  });

  it("means nothing to the broker on a topic that acks by itself", async () => {
    const { broker, client } = await open();
    await client.configure("jobs", { autoAck: true });
    const { gate, worker } = await gated(client, { timeout: 500 });
    await client.publishBatch("jobs", numbers(2));
    await gate.begun(1);
    await broker.clock.advance("1 s");
    expect(gate.code(0)).toBe("HANDLER_TIMEOUT");
    gate.run(0).fail(new Error("no"));
    await gate.begun(2);
    gate.run(1).end();
    await broker.clock.advance("1 s");
    expect([worker.processed, worker.failed, worker.lost]).toEqual([1, 1, 0]);
    expect((await client.stats("jobs")).acked).toBe(2);
  });
});

describe("concurrency", () => {
  it.each([1, 3, 100])("of %i is kept exactly", async (concurrency) => {
    const { broker, client } = await open();
    let [running, most] = [0, 0];
    await client.publishBatch("jobs", numbers(1000));
    const worker = await client.work(
      "jobs",
      async () => {
        running++;
        most = Math.max(most, running);
        await turn();
        running--;
      },
      { concurrency },
    );
    while (worker.processed < 1000) await turn();
    expect(most).toBe(concurrency);
    await broker.clock.advance(0);
    expect((await client.stats("jobs")).acked).toBe(1000);
  });

  it("holds few of a hundred thousand messages when handlers are slow", async () => {
    const { broker, client } = await open();
    for (let i = 0; i < 10; i++) await client.publishBatch("jobs", numbers(10_000));
    const { worker } = await gated(client, { concurrency: 10 });
    // By the machine's clock the window of a consumer would be measured; here it is that of the test.
    await broker.clock.advance("5 s");
    expect(worker.running).toBe(10);
    expect((await queueOf(client))?.inFlight).toBeLessThanOrEqual(12);
    expect((await client.stats("jobs")).retried).toBe(0);
  });
});

it("each of ten thousand messages is acked once or dead, whatever their handlers do", { timeout: 60_000 }, async () => {
  const { broker, client } = await open({ retries: 2, ttr: 1000 });
  const count = 10_000;
  for (let at = 0; at < count; at += 2000) {
    await client.publishBatch(
      "jobs",
      Array.from({ length: 2000 }, (_, i) => `${at + i}`),
    );
  }
  let seed = 7;
  const random = (): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  const returned = new Map<string, number>();
  const worker = await client.work(
    "jobs",
    (message) => {
      const what = random();
      if (what < 0.2) throw new Error("at once");
      if (what < 0.22) throw new UnrecoverableError("for good");
      const end = async (): Promise<void> => {
        for (let i = random() * 5; i > 0; i--) await turn();
        if (what < 0.4) throw new Error("later");
        returned.set(message.text(), (returned.get(message.text()) ?? 0) + 1);
      };
      if (what < 0.9) return end();
      returned.set(message.text(), (returned.get(message.text()) ?? 0) + 1);
      return undefined;
    },
    { concurrency: 50 },
  );
  const isOver = async (): Promise<boolean> => {
    await broker.clock.advance(1);
    const { acked, queues } = await client.stats("jobs");
    return acked + (queues[0]?.deadLetters ?? 0) === count;
  };
  while (!(await isOver())) await turn();
  await worker.drain();
  const { acked, queues } = await client.stats("jobs");
  expect([...returned.values()].every((times) => times === 1)).toBe(true);
  expect([acked, worker.processed, worker.lost]).toEqual([returned.size, returned.size, 0]);
  expect(queues[0]).toMatchObject({ ready: 0, inFlight: 0, delayed: 0, deadLetters: count - returned.size });
});

it("refuses what it does not take, before it consumes anything", async () => {
  const { client } = await open();
  const work = client.work.bind(client) as (...args: unknown[]) => Promise<unknown>;
  const nothing = async (): Promise<void> => {};
  for (const args of [
    ["jobs"],
    ["jobs", 7],
    ["", nothing],
    ["jobs", nothing, { concurrency: 0 }],
    ["jobs", nothing, { concurrency: 65_537 }],
    ["jobs", nothing, { timeout: -1 }],
    ["jobs", nothing, { retry: { delay: 1.5 } }],
    ["jobs", nothing, { retry: { delai: 1 } }],
    ["jobs", nothing, { retry: 5 }],
    ["jobs", nothing, { signal: {} }],
    ["jobs", nothing, { onFailed: 1 }],
    ["jobs", nothing, { prefetch: 0 }],
    ["jobs", nothing, { concurency: 2 }],
  ]) {
    await expect(work(...args), JSON.stringify(args)).rejects.toMatchObject({ code: "BAD_ARGUMENT" });
  }
  await expect(client.stats("jobs")).rejects.toMatchObject({ code: "NO_TOPIC" });
});
