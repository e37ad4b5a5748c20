/** Requests and responders of clients that lose their broker and go on, under the clock of a test broker. */
import { expect, it, onTestFinished } from "vitest";
import type { ReceivedRequest } from "../../../src/client/calls/received-request.js";
import type { Client } from "../../../src/client/client.js";
import { createTestBroker, type TestBroker } from "../../../src/testing/test-broker.js";
import { unhandledRejections } from "../unhandled-rejections.js";

const open = async (): Promise<{ broker: TestBroker; requester: Client; server: Client; unhandled: unknown[] }> => {
  const unhandled = unhandledRejections();
  const broker = createTestBroker({ now: 0 });
  onTestFinished(() => broker.close());
  const reconnect = { maxDelay: 1_000 };
  return {
    broker,
    requester: await broker.connect({ reconnect }),
    server: await broker.connect({ reconnect }),
    unhandled,
  };
};

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "no error",
    (error: unknown) => (error as { readonly code?: unknown }).code,
  );

it("a responder goes on after each connection, a request that was under way rejects, one made meanwhile waits", async () => {
  const { broker, requester, server, unhandled } = await open();
  const signals: AbortSignal[] = [];
  const responder = await server.respond("c", ({ body, signal }: ReceivedRequest) => {
    if (body.length === 0) signals.push(signal);
    return body.length === 0 ? new Promise<string>(() => {}) : `${body.length} bytes`;
  });
  for (let cut = 1; cut <= 20; cut++) {
    const underWay = codeOf(requester.request("c", ""));
    await broker.clock.advance(0);
    if (cut % 5 === 0) await broker.restart();
    else if (cut % 2 === 0) await broker.cut();
    else {
      await broker.down();
      const waiting = codeOf(requester.request("c", "x".repeat(cut), { timeout: 20_000 }));
      const late = codeOf(requester.request("c", "x", { timeout: 500 }));
      await broker.clock.advance("3 s");
      expect(await late).toBe("REQUEST_TIMEOUT");
      broker.up();
      await broker.clock.advance("2 s");
      // Which of the two is there first is not said.
      expect(["no error", "NO_RESPONDER"]).toContain(await waiting);
    }
    await broker.clock.advance("2 s");
    expect(await underWay).toBe("CONNECTION_CLOSED");
    expect(signals.at(-1)?.aborted).toBe(true);
    expect(signals.length).toBe(cut);
    expect((await requester.request("c", "back")).text()).toBe("4 bytes");
  }
  await responder.stop();
  expect(await responder.closed).toBe(undefined);
  expect(await codeOf(requester.request("c", "x"))).toBe("NO_RESPONDER");
  expect([requester.pendingBytes, server.pendingBytes]).toEqual([0, 0]);
  expect(unhandled).toEqual([]);
});

it("what waits for a connection can be abandoned and stopped, and is over when the client is closed", async () => {
  const { broker, requester, server, unhandled } = await open();
  const responder = await server.respond("c", () => "reply");
  let served = 0;
  const other = await server.respond("d", () => {
    served++;
    return "reply";
  });
  await broker.down();
  const controller = new AbortController();
  const abandoned = codeOf(server.request("d", "x", { signal: controller.signal }));
  const closed = codeOf(requester.request("c", "x"));
  const begun = codeOf(server.respond("e", () => "reply"));
  controller.abort();
  expect(await abandoned).toBe("ABORTED");
  await responder.stop();
  await requester.close();
  expect(await closed).toBe("CONNECTION_CLOSED");
  broker.up();
  await broker.clock.advance("3 s");
  expect(await begun).toBe("no error");
  const again = await broker.connect();
  expect(await codeOf(again.request("c", "x"))).toBe("NO_RESPONDER");
  for (const channel of ["d", "e"]) expect((await again.request(channel, "x")).text()).toBe("reply");
  // What was abandoned was not sent.
  expect(served).toBe(1);
  await broker.down();
  await server.close();
  expect(await other.closed).toBe(undefined);
  expect(unhandled).toEqual([]);
});
