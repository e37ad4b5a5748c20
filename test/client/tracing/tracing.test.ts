/** Traces: what the hooks and the tracing channels of Node.js are told, and what travels with messages for it. */
import { type TracingChannelSubscribers, tracingChannel } from "node:diagnostics_channel";
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from "vitest";
import type { PublishEvent, TraceHooks } from "../../../src/client/index.js";
import { createTestBroker, type TestBroker } from "../../../src/testing/index.js";

let broker: TestBroker;

beforeEach(() => {
  broker = createTestBroker();
});

afterEach(() => broker.close());

const named = (name: string): TraceHooks => ({
  inject: ({ headers }) => {
    headers["traceparent"] = name;
  },
});

it("what is published carries what the hook adds, and its own headers win", async () => {
  const told: object[] = [];
  const hooks: TraceHooks = {
    inject: ({ headers, ...event }) => {
      told.push(event);
      Object.assign(headers, { traceparent: "of the hook", tracestate: "too" });
    },
  };
  const client = await broker.connect({ trace: hooks });
  const subscription = await client.subscribe("c");
  await client.publish("t", "one");
  await client.publish("t", "two", { headers: { traceparent: "its own" } });
  await client.publishBatch("t", ["three", "four"]);
  await client.publishToChannel("c", "five");
  const messages = await client.pop("t", { max: 4 });
  expect(messages.map(({ headers }) => headers["traceparent"])).toEqual([
    "of the hook",
    "its own",
    "of the hook",
    "of the hook",
  ]);
  expect(messages.map(({ headers }) => headers["tracestate"])).toEqual(Array(4).fill("too"));
  expect((await subscription.next()).value?.headers).toEqual({ traceparent: "of the hook", tracestate: "too" });
  expect(told).toEqual([
    { topic: "t", messages: 1 },
    { topic: "t", messages: 1 },
    { topic: "t", messages: 2 },
    { channel: "c", messages: 1 },
  ]);
});

it("handlers of workers and responders run within the hook, and what they throw is theirs", async () => {
  const told: (string | undefined)[] = [];
  const process: TraceHooks["process"] = async ({ topic, channel, message }, handler) => {
    told.push(`${topic ?? channel}: ${message.headers["traceparent"]}`);
    return handler();
  };
  const client = await broker.connect({ trace: { ...named("a"), process } });
  const worker = await client.work("t", (message) => {
    if (message.text() === "bad") throw new Error("no");
  });
  await client.publishBatch("t", ["good", "bad"]);
  await client.configure("t", { retries: 0 });
  await vi.waitUntil(() => worker.processed === 1 && worker.failed >= 1);
  await client.respond("r", async (request) => request.text().toUpperCase());
  expect((await client.request("r", "hello")).text()).toBe("HELLO");
  expect(new Set(told)).toEqual(new Set(["t: a", "r: a"]));
});

it("a hook that throws is printed, and its message goes without; one that calls no handler fails the message", async () => {
  const printed = vi.spyOn(console, "error").mockImplementation(() => {});
  onTestFinished(() => printed.mockRestore());
  const client = await broker.connect({
    trace: {
      inject: () => {
        throw new Error("of the hook");
      },
      process: () => Promise.reject(new Error("not run")),
    },
  });
  await client.configure("t", { retries: 0 });
  await client.publish("t", "one");
  const worker = await client.work("t", () => {});
  await vi.waitUntil(() => worker.failed === 1);
  expect(printed.mock.calls[0]?.[0]).toContain("inject of the option trace failed");
  await worker.drain();
  const [dead] = await client.browse("t", { state: "dead" });
  expect(dead?.lastReason).toContain("not run");
});

it("wrong hooks are refused before anything is connected", async () => {
  await expect(broker.connect({ trace: { inject: 5 } as never })).rejects.toMatchObject({ code: "BAD_ARGUMENT" });
  await expect(broker.connect({ trace: { injekt: () => {} } as never })).rejects.toThrow(/did you mean inject/);
});

it("the tracing channels tell of publishes and handlers, and a subscriber may add headers", async () => {
  const channels = { publish: tracingChannel("ringmq.publish"), process: tracingChannel("ringmq.process") };
  const told: string[] = [];
  const tell = (name: string): TracingChannelSubscribers<object> => ({
    start: (event) => {
      if (name === "publish") (event as PublishEvent).headers["traceparent"] = "of the channel";
      told.push(`${name} start`);
    },
    end: () => {},
    asyncStart: () => {},
    asyncEnd: () => void told.push(`${name} done`),
    error: () => void told.push(`${name} error`),
  });
  for (const name of ["publish", "process"] as const) {
    const subscribers = tell(name);
    channels[name].subscribe(subscribers);
    onTestFinished(() => void channels[name].unsubscribe(subscribers));
  }
  const client = await broker.connect();
  await client.publish("t", "one");
  const worker = await client.work("t", (message) => void told.push(String(message.headers["traceparent"])));
  await vi.waitUntil(() => worker.processed === 1);
  await expect(client.publish("", "x")).rejects.toMatchObject({ code: "BAD_ARGUMENT" });
  expect(told).toEqual([
    "publish start",
    "publish done",
    "process start",
    "of the channel",
    "process done",
    "publish start",
    "publish error",
    "publish done",
  ]);
});
