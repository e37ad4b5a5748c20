/** Requests and responders against the test broker: the broker's own code, under a clock that the test moves. */
import { describe, expect, it, onTestFinished } from "vitest";
import { deferred } from "../../../src/client/base/deferred.js";
import { RingmqError } from "../../../src/client/base/error.js";
import type { RequestHandler } from "../../../src/client/calls/handler.js";
import type { ReceivedRequest } from "../../../src/client/calls/received-request.js";
import type { Client } from "../../../src/client/client.js";
import { createTestBroker, type TestBroker } from "../../../src/testing/test-broker.js";
import { unhandledRejections } from "../unhandled-rejections.js";

const testBroker = (): TestBroker => {
  const broker = createTestBroker({ now: 0 });
  onTestFinished(() => broker.close());
  return broker;
};

const pair = async (broker: TestBroker): Promise<[Client, Client]> => [await broker.connect(), await broker.connect()];

/** The code of the error that a promise rejects with. */
const codeOf = async (promise: Promise<unknown>): Promise<unknown> => {
  try {
    await promise;
  } catch (error) {
    return error instanceof RingmqError ? error.code : error;
  }
  return "no error";
};

/** A handler that is at each request until the test ends it, by the text of its body. */
const slowHandler = (): {
  readonly handler: RequestHandler;
  readonly at: Map<string, { readonly request: ReceivedRequest; readonly end: (reply: string | Error) => void }>;
} => {
  const at = new Map<string, { readonly request: ReceivedRequest; readonly end: (reply: string | Error) => void }>();
  const handler: RequestHandler = (request) => {
    const reply = deferred<string>();
    const end = (outcome: string | Error): void => {
      at.delete(request.text());
      if (typeof outcome === "string") reply.resolve(outcome);
      else reply.reject(outcome);
    };
    at.set(request.text(), { request, end });
    return reply.promise;
  };
  return { handler, at };
};

describe("a request", () => {
  it("resolves with what the handler returns: a body, one with headers, bytes, nothing, now or later", async () => {
    const broker = testBroker();
    // Nothing of it is stored.
    broker.refuse("DISK_FULL");
    const [requester, server] = await pair(broker);
    await expect(requester.publish("t", "x")).rejects.toMatchObject({ code: "DISK_FULL" });
    const replies: Record<string, RequestHandler> = {
      text: () => "text",
      bytes: async () => new Uint8Array([1, 2, 3]),
      echo: ({ body, headers }) => ({ body, headers }),
      headersOnly: async () => ({ headers: { a: 1 } }),
      nothing: () => {},
    };
    for (const [channel, handler] of Object.entries(replies)) await server.respond(channel, handler);
    expect((await requester.request("text", "?")).text()).toBe("text");
    expect([...(await requester.request("bytes", "?")).body]).toEqual([1, 2, 3]);
    const echo = await requester.request("echo", '{"n":1}', { headers: { trace: "t1" } });
    expect([echo.json(), echo.headers]).toEqual([{ n: 1 }, { trace: "t1" }]);
    const headersOnly = await requester.request("headersOnly", "");
    expect([headersOnly.text(), headersOnly.headers]).toEqual(["", { a: 1 }]);
    expect((await requester.request("nothing", "")).body.length).toBe(0);
    // Its own connection may respond to it.
    expect((await server.request("text", "")).text()).toBe("text");
    expect(requester.pendingBytes).toBe(0);
  });

  it("is replied to though the responder's own requests are as many as may be unanswered", async () => {
    const broker = testBroker();
    const [a, b] = [await broker.connect({ maxInFlight: 2 }), await broker.connect({ maxInFlight: 2 })];
    await a.respond("a", async ({ body }) => body);
    await b.respond("b", ({ body }) => body);
    const texts = Array.from({ length: 7 }, (_, i) => `${i} ${"x".repeat(i * 5_000)}`);
    const replies = [a, b].flatMap((client) => texts.map((text) => client.request(client === a ? "b" : "a", text)));
    await broker.clock.advance(5_000);
    expect((await Promise.all(replies)).map((reply) => reply.text())).toEqual([...texts, ...texts]);
  });

  it("rejects at once where nobody responds, and with what its handler throws, but for the stack", async () => {
    const [requester, server] = await pair(testBroker());
    expect(await codeOf(requester.request("nobody", ""))).toBe("NO_RESPONDER");
    await server.respond("fails", ({ headers }) => {
      if (headers["how"] === "reply") return 17 as unknown as string;
      if (headers["how"] === "object") return { total: 3 } as unknown as string;
      if (headers["how"] === "date") return new Date() as unknown as string;
      if (headers["how"] === "map") return new Map([["total", 3]]) as unknown as string;
      if (headers["how"] === "value") return Promise.reject({ toString: () => "what" });
      if (headers["how"] === "name") throw Object.assign(new Error("no text"), { name: ["a", "list"] });
      if (headers["how"] === "message") throw Object.assign(new Error(), { message: { slice: () => 5n } });
      if (headers["how"] === "long") throw new RangeError("x".repeat(100_000));
      throw new TypeError("no such user");
    });
    const failure = (how: string): Promise<RingmqError> =>
      requester.request("fails", "", { headers: { how } }).then(
        () => expect.unreachable(),
        (error: unknown) => error as RingmqError,
      );
    const error = await failure("");
    expect([error.code, error.retryable, error.message]).toEqual([
      "RESPONDER_FAILED",
      false,
      "the responder has failed: TypeError: no such user",
    ]);
    const cause = error.cause as Error;
    expect([cause.name, cause.message, cause.stack]).toEqual(["TypeError", "no such user", undefined]);
    expect((await failure("long")).message.length).toBeLessThan(4_200);
    for (const how of ["value", "name", "message"]) expect((await failure(how)).code).toBe("RESPONDER_FAILED");
    expect((await failure("reply")).message).toContain(
      "the reply must be text, a Uint8Array, or { body, headers }; it is 17",
    );
    expect((await failure("object")).message).toContain(
      'the reply must be text, a Uint8Array, or { body, headers }; it is an object with "total", which JSON.stringify',
    );
    for (const how of ["date", "map"])
      expect((await failure(how)).message).toContain("or { body, headers }; it is an object");
  });

  it("times out, waiting or at its handler, and gives up by its signal; the handler's own signal tells it", async () => {
    const broker = testBroker();
    const [requester, server] = await pair(broker);
    const { handler, at } = slowHandler();
    await server.respond("slow", handler, { concurrency: 1 });
    const first = codeOf(requester.request("slow", "first", { timeout: 100 }));
    const second = codeOf(requester.request("slow", "second", { timeout: 50 }));
    const third = requester.request("slow", "third");
    await broker.clock.advance(49);
    expect([...at.keys()]).toEqual(["first"]);
    const { signal, timeLeft, channel } = at.get("first")?.request ?? expect.unreachable();
    expect([signal.aborted, timeLeft, channel]).toEqual([false, 100, "slow"]);
    await broker.clock.advance(1);
    expect(await second).toBe("REQUEST_TIMEOUT");
    await broker.clock.advance(50);
    expect(await first).toBe("REQUEST_TIMEOUT");
    expect([signal.aborted, (signal.reason as RingmqError).code]).toEqual([true, "REQUEST_TIMEOUT"]);
    // It takes up the handler until that ends.
    expect([...at.keys()]).toEqual(["first"]);
    at.get("first")?.end("too late");
    await broker.clock.advance(0);
    at.get("third")?.end("in time");
    expect((await third).text()).toBe("in time");

    const controller = new AbortController();
    const abandoned = requester.request("slow", "abandoned", { signal: controller.signal });
    await broker.clock.advance(0);
    const { request } = at.get("abandoned") ?? expect.unreachable();
    controller.abort(new Error("enough"));
    const error = await abandoned.catch((reason: unknown) => reason as RingmqError);
    expect(error).toMatchObject({ code: "ABORTED", cause: { message: "enough" } });
    await broker.clock.advance(0);
    // A signal that is asked for only now.
    expect((request.signal.reason as RingmqError).code).toBe("REQUEST_ABANDONED");
    expect(await codeOf(requester.request("slow", "", { signal: controller.signal }))).toBe("ABORTED");
    at.get("abandoned")?.end(new Error("nobody hears it"));
    await broker.clock.advance(0);
    expect(at.size).toBe(0);
    // By default it is ten seconds.
    const late = codeOf(requester.request("slow", "late"));
    await broker.clock.advance(9_999);
    expect(at.get("late")?.request.signal.aborted).toBe(false);
    await broker.clock.advance(1);
    expect(await late).toBe("REQUEST_TIMEOUT");
  });

  it("is refused before anything is sent when an argument is not what it takes", async () => {
    const [client] = await pair(testBroker());
    const wrong: readonly (() => Promise<unknown>)[] = [
      () => client.request("", "x"),
      () => client.request("c", 1 as unknown as string),
      () => client.request("c", "x", { timeout: 0 }),
      () => client.request("c", "x", { timeout: 86_400_001 }),
      () => client.request("c", "x", { headers: [] as never }),
      () => client.request("c", "x", { signal: {} as AbortSignal }),
      () => client.request("c", "x", { tiemout: 1 } as never),
      () => client.respond("", () => ""),
      () => client.respond("c", "x" as never),
      () => client.respond("c", () => "", { concurrency: 0 }),
      () => client.respond("c", () => "", { concurrency: 16_385 }),
    ];
    for (const call of wrong) expect(await codeOf(call())).toBe("BAD_ARGUMENT");
    expect(client.pendingBytes).toBe(0);
  });
});

describe("a responder", () => {
  it("is at no more than its concurrency, and hands over what waits as it ends", async () => {
    const broker = testBroker();
    const [requester, server] = await pair(broker);
    const { handler, at } = slowHandler();
    await server.respond("c", handler, { concurrency: 2 });
    const replies = ["1", "2", "3", "4", "5"].map((body) => requester.request("c", body));
    await broker.clock.advance(0);
    expect([...at.keys()]).toEqual(["1", "2"]);
    at.get("2")?.end("two");
    await broker.clock.advance(0);
    expect([...at.keys()]).toEqual(["1", "3"]);
    for (const body of ["1", "3"]) at.get(body)?.end(body);
    await broker.clock.advance(0);
    for (const body of ["4", "5"]) at.get(body)?.end(body);
    expect((await Promise.all(replies)).map((reply) => reply.text())).toEqual(["1", "two", "3", "4", "5"]);
  });

  it("that stops finishes what it is at, and is over then; drain of its client does the same", async () => {
    const broker = testBroker();
    const [requester, server] = await pair(broker);
    const { handler, at } = slowHandler();
    const responder = await server.respond("c", handler, { concurrency: 1 });
    const [under, waiting] = [requester.request("c", "under way"), codeOf(requester.request("c", "waits"))];
    await broker.clock.advance(0);
    let isStopped = false;
    const stopped = responder.stop().then(() => {
      isStopped = true;
    });
    // Nobody is left to take it.
    expect(await waiting).toBe("NO_RESPONDER");
    await broker.clock.advance(0);
    expect(isStopped).toBe(false);
    at.get("under way")?.end("done");
    await stopped;
    expect((await under).text()).toBe("done");
    expect(await responder.closed).toBe(undefined);
    await responder[Symbol.asyncDispose]();

    await server.respond("c", handler);
    const last = requester.request("c", "last");
    await broker.clock.advance(0);
    const drained = server.drain();
    await broker.clock.advance(0);
    at.get("last")?.end("drained");
    expect((await last).text()).toBe("drained");
    await drained;
    expect(await codeOf(server.respond("c", handler))).toBe("CLIENT_CLOSED");
    expect(await codeOf(requester.request("c", ""))).toBe("NO_RESPONDER");
  });

  it("that stops waits for its handlers no longer than it is told, nor than its client is open", async () => {
    const rejections = unhandledRejections();
    const broker = testBroker();
    const [requester, server] = await pair(broker);
    const { handler, at } = slowHandler();
    const responder = await server.respond("c", handler);
    const refused = requester.request("c", "endless").catch((error: RingmqError) => [error.code, error.message]);
    await broker.clock.advance(0);
    const signal = at.get("endless")?.request.signal ?? expect.unreachable();
    const stops = [responder.stop(), responder.stop({ timeout: 0 })];
    expect(await refused).toEqual([
      "RESPONDER_FAILED",
      "the responder has failed: RingmqError: the responder was stopped",
    ]);
    await Promise.all(stops);
    expect((signal.reason as RingmqError).code).toBe("CLIENT_CLOSED");
    expect(await responder.closed).toBe(undefined);
    at.get("endless")?.end("nobody hears it");
    expect(await codeOf(responder.stop({ timeout: -1 }))).toBe("BAD_ARGUMENT");
    expect(await codeOf(requester.request("c", "later"))).toBe("NO_RESPONDER");

    const other = await server.respond("d", handler);
    const lost = codeOf(requester.request("d", "lost"));
    await broker.clock.advance(0);
    const stopping = other.stop({ timeout: Number.POSITIVE_INFINITY });
    await server.close({ timeout: 0 });
    await stopping;
    expect(await lost).toBe("RESPONDER_LOST");
    expect(rejections).toEqual([]);
  });

  it("that goes is noticed at once by whoever waits, and its handlers notice too; so with a requester that goes", async () => {
    const rejections = unhandledRejections();
    const broker = testBroker();
    const [requester, server] = await pair(broker);
    const { handler, at } = slowHandler();
    const responder = await server.respond("c", handler);
    const lost = codeOf(requester.request("c", "lost"));
    await broker.clock.advance(0);
    const { signal } = at.get("lost")?.request ?? expect.unreachable();
    await server.close();
    expect(await lost).toBe("RESPONDER_LOST");
    expect((signal.reason as RingmqError).code).toBe("CLIENT_CLOSED");
    expect(await responder.closed).toBe(undefined);
    at.get("lost")?.end(new Error("nobody hears it"));

    const other = await broker.connect();
    await other.respond("c", handler);
    const gone = codeOf(requester.request("c", "gone"));
    await broker.clock.advance(0);
    const left = at.get("gone")?.request.signal ?? expect.unreachable();
    await requester.close();
    await broker.clock.advance(0);
    expect(await gone).toBe("CONNECTION_CLOSED");
    expect((left.reason as RingmqError).code).toBe("REQUEST_ABANDONED");
    expect(rejections).toEqual([]);
  });

  it("of a broker that says goodbye finishes what it is at", async () => {
    const rejections = unhandledRejections();
    const broker = createTestBroker({ now: 0 });
    const [requester, server] = await pair(broker);
    await server.respond("quick", async ({ body }) => body);
    const { handler } = slowHandler();
    await server.respond("slow", handler);
    const [quick, slow] = [requester.request("quick", "in time"), codeOf(requester.request("slow", "never"))];
    await broker.close();
    expect((await quick).text()).toBe("in time");
    expect(["SHUTTING_DOWN", "RESPONDER_LOST", "CONNECTION_CLOSED"]).toContain(await slow);
    expect(rejections).toEqual([]);
  });
});
