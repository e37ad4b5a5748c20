/** Requests and responders over real sockets, hostile ones among them. */
import { describe, expect, it, onTestFinished } from "vitest";
import type { RingmqError } from "../../src/client/base/error.js";
import type { Client } from "../../src/client/client.js";
import { connect } from "../../src/client/connect.js";
import { ERRORS, errorName } from "../../src/protocol/errors.js";
import { Answer, Op } from "../../src/protocol/op.js";
import { unhandledRejections } from "../client/unhandled-rejections.js";
import { entries, type Frame, frame } from "../main/frames.js";
import { sharedBroker, type TestBroker, testBroker } from "./brokers.js";
import { clientOf } from "./clients.js";
import { cuttingRelay } from "./cutting-relay.js";
import { NativeClient } from "./native-client.js";
import { allConnected, nodesBecome, nodesClientOf } from "./nodes.js";

const MIB = 1024 * 1024;

const shared = sharedBroker();

/** The code with which it is rejected, or undefined. */
const codeOf = (promise: Promise<unknown>): Promise<string | undefined> =>
  promise.then(
    () => undefined,
    (error: unknown) => (error as RingmqError).code,
  );

const errorOf = ({ op, head }: Frame): string | undefined =>
  op === Answer.ERROR ? errorName(Number(head[0])) : `op ${op}`;

const nativeOf = async (port: number): Promise<NativeClient> => {
  const client = await NativeClient.greeted(port);
  onTestFinished(() => void client.socket.destroy());
  return client;
};

/** A client that ends with its connection. */
const once = (port: number): Promise<Client> => clientOf(port, { tcp: "tcp", client: { reconnect: false } });

/** Has it respond to a channel, as request 2. */
const respond = async (client: NativeClient, channel: string, credit: number): Promise<void> => {
  client.send(frame(Op.RESPOND, 2, [channel, credit]));
  // A CONFIRM has no number of its own.
  expect((await client.answer(0)).op).toBe(Answer.CONFIRM);
};

/** Resolves when the broker has nothing left of calls. */
const nothingLeft = async ({ broker }: TestBroker): Promise<void> => {
  for (;;) {
    const { calls, callBytes, responders } = broker.usage;
    if (calls === 0 && callBytes === 0 && responders === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

describe("requests", () => {
  it("go from any transport to any, with headers and the largest bodies, and leave no topic and no channel", async () => {
    const { tcp, http } = shared();
    const overTcp = await clientOf(tcp);
    const overWebSocket = await connect(`ws://127.0.0.1:${http}/mq`);
    onTestFinished(() => overWebSocket.close());
    const clients: readonly Client[] = [overTcp, overWebSocket];
    await Promise.all(
      clients.map((client, i) => client.respond(`by ${i}`, ({ body, headers }) => ({ body, headers }))),
    );
    const most = overTcp.info.limits.maxMessageBytes;
    for (const [i, j] of [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ] as const) {
      for (const size of [0, 1, 16_384, 65_536, 200_000, ...(i < j ? [most - 64] : [])]) {
        const body = Buffer.alloc(size, `${size}`);
        const reply = await clients[i]?.request(`by ${j}`, body, { headers: { size } });
        expect(Buffer.compare(reply?.body ?? new Uint8Array(1), body)).toBe(0);
        expect(reply?.headers).toEqual({ size });
      }
    }
    expect(await codeOf(overTcp.request("by 0", Buffer.alloc(most + 1)))).toBe("MESSAGE_TOO_LARGE");
    const reply = await overTcp.respond("large", () => Buffer.alloc(most + 1));
    expect(await codeOf(overTcp.request("large", ""))).toBe("RESPONDER_FAILED");
    await reply.stop();
    for await (const topic of overTcp.topics()) expect.unreachable(topic.name);
    for await (const channel of overTcp.channels()) expect.unreachable(channel.name);
  });

  it("are shared by responders of several connections, as each has room", async () => {
    const { tcp } = shared();
    const requester = await clientOf(tcp);
    const served = new Map<string, number>();
    const serve = async (name: string, concurrency: number, pause: number): Promise<void> => {
      await (await clientOf(tcp)).respond(
        "shared",
        async ({ body }) => {
          served.set(name, (served.get(name) ?? 0) + 1);
          for (let turn = 0; turn < pause; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
          return body;
        },
        { concurrency },
      );
    };
    await Promise.all([serve("a", 64, 1), serve("b", 64, 1), serve("c", 64, 1), serve("one at a time", 1, 1)]);
    const bodies = Array.from({ length: 2_000 }, (_, i) => `${i}`);
    const replies = await Promise.all(bodies.map((body) => requester.request("shared", body)));
    expect(replies.map((reply) => reply.text())).toEqual(bodies);
    const counts = ["a", "b", "c", "one at a time"].map((name) => served.get(name) ?? 0);
    expect(counts.reduce((sum, count) => sum + count)).toBe(2_000);
    for (const count of counts.slice(0, 3)) expect(count).toBeGreaterThan(400);
    expect(counts[3]).toBeGreaterThan(0);
    expect(counts[3]).toBeLessThan(400);
  });

  it("have an answer whatever is cut, and nothing is left of them", { timeout: 60_000 }, async () => {
    const rejections = unhandledRejections();
    const broker = await testBroker({ durability: "memory" });
    let seed = 11;
    const relay = await cuttingRelay(broker.tcp, () => {
      seed = (seed * 48_271) % 0x7fff_ffff;
      return 200 + (seed % 3_000);
    });
    const codes = new Map<string | undefined, number>();
    let isOver = false;
    const responding = async (): Promise<void> => {
      while (!isOver) {
        try {
          const client = await once(relay.port);
          await client.respond("c", async ({ body }) => body, { concurrency: 4 });
          await client.closed;
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }
    };
    const requesting = async (): Promise<void> => {
      while (!isOver) {
        const client = await once(relay.port).catch(() => undefined);
        if (client === undefined) continue;
        let isOpen = true;
        void client.closed.then(() => {
          isOpen = false;
        });
        while (isOpen && !isOver) {
          const burst = Array.from({ length: 8 }, (_, i) =>
            codeOf(client.request("c", "x".repeat(40 * i), { timeout: 2_000 })),
          );
          for (const code of await Promise.all(burst)) codes.set(code, (codes.get(code) ?? 0) + 1);
        }
        await client.close();
      }
    };
    let lasting: Client | undefined;
    while (lasting === undefined) lasting = await clientOf(relay.port).catch(() => undefined);
    void lasting.respond("lasting", ({ body }) => body);
    const work = [responding(), responding(), requesting(), requesting(), requesting()];
    while (relay.cuts() < 150) await new Promise((resolve) => setTimeout(resolve, 5));
    isOver = true;
    relay.relent();
    // It goes on, whatever of it was cut, and however often.
    const direct = await clientOf(broker.tcp);
    while ((await codeOf(direct.request("lasting", "x"))) !== undefined) await lasting.ping();
    await Promise.all([lasting.close(), direct.close()]);
    // Those whose connections were not cut just now.
    await broker.broker.close();
    await Promise.all(work);
    const expected = [
      undefined,
      "CONNECTION_CLOSED",
      "NO_RESPONDER",
      "RESPONDER_LOST",
      "SHUTTING_DOWN",
      "CLIENT_CLOSED",
    ];
    expect([...codes.keys()].filter((code) => !expected.includes(code))).toEqual([]);
    for (const code of [undefined, "CONNECTION_CLOSED", "RESPONDER_LOST"]) expect(codes.get(code)).toBeGreaterThan(0);
    await nothingLeft(broker);
    expect(rejections).toEqual([]);
  });

  it("under way when the broker stops are replied to if that takes a moment, and have an error otherwise", async () => {
    const rejections = unhandledRejections();
    const broker = await testBroker({ durability: "memory" });
    const [requester, server] = [await once(broker.tcp), await once(broker.tcp)];
    let reply: (() => void) | undefined;
    const responder = await server.respond(
      "quick",
      () =>
        new Promise<string>((resolve) => {
          reply = () => resolve("in time");
        }),
    );
    await server.respond(
      "never",
      ({ signal }) =>
        new Promise<string>((_, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason));
        }),
    );
    const [quick, never] = [requester.request("quick", ""), codeOf(requester.request("never", ""))];
    while (reply === undefined) await new Promise((resolve) => setImmediate(resolve));
    const closed = broker.broker.close();
    reply();
    expect((await quick).text()).toBe("in time");
    expect(["RESPONDER_LOST", "SHUTTING_DOWN"]).toContain(await never);
    await closed;
    expect((await responder.closed)?.code).toBe("SHUTTING_DOWN");
    expect(rejections).toEqual([]);
  });
});

it("requests of a client of several nodes go to a node that has a responder, and on when a node goes", async () => {
  const rejections = unhandledRejections();
  const [first, second] = await Promise.all([1, 2].map((node) => testBroker({ node, durability: "memory" })));
  if (first === undefined || second === undefined) throw new Error("there are two");
  const nodes = [first, second].map(({ tcp }) => ({ url: `tcp://127.0.0.1:${tcp}` }));
  const [requester, server] = [await nodesClientOf({ nodes }), await nodesClientOf({ nodes })];
  for (const client of [requester, server]) await nodesBecome(client, allConnected(2));
  expect(await codeOf(requester.request("everywhere", ""))).toBe("NO_RESPONDER");
  const responder = await server.respond("everywhere", ({ body }) => body);
  const onSecond = await clientOf(second.tcp);
  await onSecond.respond("somewhere", () => "the second's");
  const replies = Array.from({ length: 10 }, (_, i) => requester.request("everywhere", `${i}`));
  expect((await Promise.all(replies)).map((reply) => reply.text())).toEqual(
    Array.from({ length: 10 }, (_, i) => `${i}`),
  );
  expect(second.broker.usage.responders).toBe(2);
  expect(first.broker.usage.responders).toBe(1);
  for (let i = 0; i < 4; i++) expect((await requester.request("somewhere", "")).text()).toBe("the second's");
  await first.broker.close();
  for (let i = 0; i < 4; i++) expect((await requester.request("everywhere", "still")).text()).toBe("still");
  await responder.stop();
  expect(await responder.closed).toBe(undefined);
  expect(await codeOf(requester.request("everywhere", ""))).toBe("NO_RESPONDER");
  expect(await codeOf(server.respond("", () => ""))).toBe("BAD_ARGUMENT");
  expect(rejections).toEqual([]);
});

describe("a hostile client", () => {
  it("is told what is wrong with each frame, and costs nobody else anything", async () => {
    const { tcp } = shared();
    const [hostile, victim] = [await nativeOf(tcp), await nativeOf(tcp)];
    const requester = await clientOf(tcp);
    const one = entries("x");
    await respond(victim, "v", 10);
    const name = "n".repeat(256);
    const requests: readonly [number, readonly unknown[], Uint8Array, string][] = [
      [Op.RESPOND, [], one, "BAD_HEAD"],
      [Op.RESPOND, [1], one, "BAD_HEAD"],
      [Op.RESPOND, ["c", 0], one, "BAD_HEAD"],
      [Op.RESPOND, ["c", 16_385], one, "BAD_HEAD"],
      [Op.RESPOND, ["c", 1.5], one, "BAD_HEAD"],
      [Op.RESPOND, ["c", 1, 2], one, "BAD_HEAD"],
      [Op.RESPOND, [""], one, "BAD_NAME"],
      [Op.RESPOND, [name], one, "BAD_NAME"],
      [Op.RESPOND, ["a\u0000b"], one, "BAD_NAME"],
      [Op.STOP_RESPONDING, ["v", 2], one, "NO_CONSUMER"],
      [Op.STOP_RESPONDING, ["v", "2"], one, "BAD_HEAD"],
      [Op.STOP_RESPONDING, ["v"], one, "NO_CONSUMER"],
      [Op.CALL, ["nobody"], one, "NO_RESPONDER"],
      [Op.CALL, [name], one, "BAD_NAME"],
      [Op.CALL, ["v", 0], one, "BAD_HEAD"],
      [Op.CALL, ["v", 86_400_001], one, "BAD_HEAD"],
      [Op.CALL, ["v", "soon"], one, "BAD_HEAD"],
      [Op.CALL, ["v", 1, 1], one, "BAD_HEAD"],
      [Op.CALL, ["v", [1]], one, "BAD_HEAD"],
      [Op.CALL, ["v"], Buffer.alloc(0), "BAD_PAYLOAD"],
      [Op.CALL, ["v"], Buffer.concat([one, one]), "TOO_MANY"],
      [Op.CALL, ["v"], one.subarray(1), "BAD_PAYLOAD"],
      [Op.CALL, ["v"], entries(Buffer.alloc(16 * MIB + 1)), "MESSAGE_TOO_LARGE"],
    ];
    let request = 10;
    for (const [op, head, payload, code] of requests) {
      request++;
      const told = errorOf(await hostile.ask(op, request, head, payload));
      expect([op, head, told]).toEqual([op, head, code === "TOO_MANY" ? "BAD_PAYLOAD" : code]);
    }
    // Without an answer, and about calls of others or of nobody.
    const reply = requester.request("v", "?");
    const called = await victim.answer(2);
    expect(called.op).toBe(Answer.CALLED);
    const call = Number(called.head[0]);
    const notes: readonly [number, readonly unknown[], string][] = [
      [Op.REPLY, [call], "UNKNOWN_CALL"],
      [Op.REPLY, [], "UNKNOWN_CALL"],
      [Op.REPLY, [0xffff_ffff], "UNKNOWN_CALL"],
      [Op.REPLY, [-1], "BAD_HEAD"],
      [Op.REPLY, ["1"], "BAD_HEAD"],
      [Op.REPLY, [1, 2], "BAD_HEAD"],
      [Op.FAIL, [call, "Error", "stolen"], "UNKNOWN_CALL"],
      [Op.FAIL, [call, 1, 2], "BAD_HEAD"],
      [Op.FAIL, [call, "Error", "x", 1], "BAD_HEAD"],
      [Op.ABANDON, ["x"], "BAD_HEAD"],
    ];
    for (const [op, head, code] of notes) {
      hostile.send(frame(op, 0, head, one));
      expect([op, head, errorOf(await hostile.answer(0))]).toEqual([op, head, code]);
    }
    hostile.send(frame(Op.ABANDON, 0, [1]), frame(Op.ABANDON, 0, [77]));
    victim.send(frame(Op.REPLY, 0, [call], entries("the victim's")), frame(Op.REPLY, 0, [call], entries("again")));
    expect(errorOf(await victim.answer(0))).toBe("UNKNOWN_CALL");
    expect((await reply).text()).toBe("the victim's");
    // A reply that is none is an error for both.
    const refused = codeOf(requester.request("v", "?"));
    const { head } = await victim.answer(2);
    victim.send(frame(Op.REPLY, 0, head.slice(0, 1), Buffer.from([1, 2, 3])));
    expect(errorOf(await victim.answer(0))).toBe("BAD_PAYLOAD");
    expect(await refused).toBe("RESPONDER_FAILED");
    // A number is free again when its call is answered.
    await requester.respond("echo", ({ body }) => body);
    for (let i = 0; i < 3; i++) expect((await hostile.ask(Op.CALL, 99, ["echo"], one)).op).toBe(Answer.REPLIED);
    // The number of a responder is taken until it has stopped.
    victim.send(frame(Op.PING, 2));
    expect(errorOf(await victim.answer(2))).toBe("DUPLICATE_REQUEST");
    await victim.closed;

    const early = await NativeClient.open(tcp);
    early.send(frame(Op.CALL, 1, ["v"], one));
    expect(errorOf(await early.next())).toBe("HANDSHAKE_REQUIRED");
    await early.closed;
    await hostile.ping();
  });

  it("that floods a responder which never replies has its share of the room, and others have theirs", async () => {
    const broker = await testBroker({ durability: "memory" });
    const [flood, dead] = [await nativeOf(broker.tcp), await nativeOf(broker.tcp)];
    const [requester, server] = [await clientOf(broker.tcp), await clientOf(broker.tcp)];
    await server.respond("alive", ({ body }) => body);
    await respond(dead, "dead", 10);
    const body = entries(Buffer.alloc(4_096));
    const batch = (from: number): Buffer[] =>
      Array.from({ length: 1_000 }, (_, i) => frame(Op.CALL, from + i, ["dead", 60_000], body));
    const frames = Array.from({ length: 10 }, (_, i) => batch(10 + i * 1_000)).flat();
    flood.send(...frames);
    for (let i = 0; i < 50; i++) expect((await requester.request("alive", `${i}`)).text()).toBe(`${i}`);
    await flood.ping();
    const { calls, callBytes } = broker.broker.usage;
    expect(callBytes).toBeLessThanOrEqual(4 * MIB);
    expect(calls).toBeLessThanOrEqual(2_048 + 10);
    const busy = flood.frames.filter(({ op, head }) => op === Answer.ERROR && head[0] === ERRORS.BUSY.code);
    expect(busy.length).toBe(10_000 - calls);
    const waiting = requester.request("dead", "?", { timeout: 50 });
    expect(await codeOf(waiting)).toBe("REQUEST_TIMEOUT");
    await dead.end();
    await flood.ping();
    const last = flood.frames.filter(({ op, head }) => op === Answer.ERROR && head[0] !== ERRORS.BUSY.code);
    expect(new Set(last.map(errorOf))).toEqual(new Set(["NO_RESPONDER", "RESPONDER_LOST"]));
    expect(last.length).toBe(calls);
    await Promise.all([server.close(), flood.end()]);
    await nothingLeft(broker);
  });

  it("that reads nothing is cut off before its replies fill the memory; a responder that reads nothing gets no calls", async () => {
    const broker = await testBroker({ durability: "memory", maxOutgoingBytes: MIB });
    const [silent, deaf] = [await nativeOf(broker.tcp), await nativeOf(broker.tcp)];
    const [requester, server] = [await clientOf(broker.tcp), await clientOf(broker.tcp)];
    const reply = Buffer.alloc(2 * MIB);
    await server.respond("large", ({ body }) => (body.length === 0 ? reply : body), { concurrency: 16 });
    silent.socket.pause();
    silent.send(...Array.from({ length: 400 }, (_, i) => frame(Op.CALL, 10 + i, ["large", 60_000], entries(""))));
    let most = 0;
    while (!silent.isClosed) {
      most = Math.max(most, broker.broker.usage.unsentBytes);
      expect((await requester.request("large", "beside it")).text()).toBe("beside it");
      if (broker.broker.usage.connections < 4) break;
    }
    // Four times what is held back, a largest frame, and what a shard may have under way.
    expect(most).toBeLessThan(4 * MIB + 17 * MIB + 8 * MIB);

    await respond(deaf, "deaf", 1_000);
    deaf.socket.pause();
    const body = Buffer.alloc(MIB);
    const calls = Array.from({ length: 40 }, () => codeOf(requester.request("deaf", body, { timeout: 500 })));
    expect(new Set(await Promise.all(calls))).toEqual(new Set(["REQUEST_TIMEOUT", "BUSY"]));
    expect(broker.broker.usage.unsentBytes).toBeLessThan(4 * MIB);
    deaf.socket.destroy();
    await Promise.all([server.close(), requester.close()]);
    await nothingLeft(broker);
  });
});
