import { expect, it } from "vitest";
import type { MemmqClient, Subscription } from "../../src/memmq-client/index.js";
import { Relays } from "../../src/proxy/relays.js";

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
  const client = { subscribe: () => subscription as object as Subscription } as Partial<MemmqClient> as MemmqClient;
  const told: string[] = [];
  const relays = new Relays(client, (topic, server) => told.push(`${topic} ${server} after ${count}`));
  let count = 0;
  await new Promise<void>((resolve) => {
    relays.join("t", "now", { begun: () => {}, message: () => count++, lost: () => {}, ended: () => resolve() });
  });
  expect(count).toBe(2);
  expect(told).toEqual(["t https://a:8081 after 1"]);
});
