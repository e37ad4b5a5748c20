/** Subscriptions of a proxy over one upstream client, which is what the tests say it is. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { MemmqClient } from "../../src/memmq-client/client.js";
import { GrpcChannels } from "../../src/proxy/grpc-channels.js";
import { Relays } from "../../src/proxy/relays.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A subscription that has begun, says nothing, and ends when it is stopped. */
const quiet = () => {
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const next = (): Promise<IteratorResult<never, undefined>> => ended.then(() => ({ done: true, value: undefined }));
  return { ready: Promise.resolve(), stop: end, [Symbol.asyncIterator]: () => ({ next }) };
};

const clientOf = (subscribe: () => unknown): MemmqClient => ({ subscribe }) as unknown as MemmqClient;

const silent = { begun: () => {}, message: () => {}, lost: () => {} };

it("who comes when a subscription that nobody wanted any more is just ending gets another one", async () => {
  let subscriptions = 0;
  const relays = new Relays(
    clientOf(() => {
      subscriptions++;
      return quiet();
    }),
    () => {},
    1000,
  );
  const ends: Error[] = [];
  const subscriber = { ...silent, ended: (error: Error) => void ends.push(error) };
  relays.join("t", "now", subscriber)();
  // The timer fires, and the subscription's end is not heard of yet.
  vi.advanceTimersByTime(1000);
  relays.join("t", "now", subscriber);
  await vi.advanceTimersByTimeAsync(0);
  expect([subscriptions, ends, relays.size]).toEqual([2, [], 1]);
});

it("a subscriber that is refused at once leaves nothing behind", async () => {
  const client = clientOf(() => {
    throw new RangeError("no such topic");
  });
  const channels = new GrpcChannels({ client, relays: new Relays(client, () => {}), partly: () => {} });
  expect(await channels.subscribe("t", {})).toEqual({ code: "BUSY", text: "RangeError: no such topic" });
  expect(channels.size).toBe(0);
});

const message = (text: string, mayHaveLost: boolean): object => ({
  topic: "t",
  server: "https://a:8081",
  payload: new TextEncoder().encode(text),
  lost: 0,
  mayHaveLost,
});

it("says where messages may be lost, since its subscribers cannot be told", async () => {
  async function* messages(): AsyncGenerator<object> {
    yield message("one", false);
    yield message("two", true);
  }
  const subscription = Object.assign(messages(), { ready: Promise.resolve(), stop: () => {} });
  const told: string[] = [];
  let count = 0;
  const relays = new Relays(
    clientOf(() => subscription),
    (topic, server) => told.push(`${topic} ${server} after ${count}`),
  );
  await new Promise<void>((resolve) => {
    relays.join("t", "now", { ...silent, message: () => count++, ended: () => resolve() });
  });
  expect(count).toBe(2);
  expect(told).toEqual(["t https://a:8081 after 1"]);
});
