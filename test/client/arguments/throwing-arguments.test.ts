/**
 * Arguments whose getters or Proxies throw when they are read. Every method rejects with BAD_ARGUMENT and sends nothing.
 */
import { describe, expect, it } from "vitest";
import { OPTIONS } from "../../../src/client/arguments/option-reader.js";
import { REQUEST_OPTIONS } from "../../../src/client/arguments/request-options.js";
import type { Client } from "../../../src/client/client.js";
import { connect } from "../../../src/client/connect.js";
import type { Message } from "../../../src/client/consume/message.js";
import type { MessageBatch } from "../../../src/client/consume/message-batch.js";
import { Answer, Op } from "../../../src/protocol/op.js";
import { answerTo, confirm, connected, frame, runs, ScriptedBroker } from "../scripted-broker.js";

const boom = new Error("boom");

const fail = (): never => {
  throw boom;
};

/** Ways to throw at the first read. */
const TRAPS: ProxyHandler<object> = { get: fail, has: fail, ownKeys: fail, getPrototypeOf: fail };

const withGetter = (name: string): never => Object.defineProperty({}, name, { get: fail, enumerable: true }) as never;

/** A getter of a class, which is not enumerable. */
const withAccessor = (name: string): never =>
  Object.create(Object.defineProperty(Object.create(null), name, { get: fail })) as never;

const proxy = (target: object): never => new Proxy(target, TRAPS) as never;

const revoked = (target: object): never => {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy as never;
};

const listWithGetter = (...before: readonly unknown[]): never =>
  Object.defineProperty([...before], before.length, { get: fail }) as never;

interface Subjects {
  readonly client: Client;
  readonly message: Message;
  readonly batch: MessageBatch;
}

type Act = (subjects: Subjects, options: never) => Promise<unknown>;

const ALL = { ...OPTIONS, ...REQUEST_OPTIONS };

/** Every method that takes options, and the names of its options. */
const METHODS: Readonly<Record<string, readonly [readonly (keyof typeof ALL)[], Act]>> = {
  publish: [["publish"], ({ client }, options) => client.publish("t", "x", options)],
  publishBatch: [["publishBatch"], ({ client }, options) => client.publishBatch("t", ["x"], options)],
  publishToChannel: [["publishToChannel"], ({ client }, options) => client.publishToChannel("c", "x", options)],
  pop: [["pop"], ({ client }, options) => client.pop("t", options)],
  popDead: [["popDead"], ({ client }, options) => client.popDead("t", options)],
  consume: [["consume"], ({ client }, options) => client.consume("t", options)],
  subscribe: [["subscribe"], ({ client }, options) => client.subscribe("c", options)],
  ackById: [["queue"], ({ client }, options) => client.ackById("t", "1", options)],
  nackById: [["nackById"], ({ client }, options) => client.nackById("t", "1", options)],
  touchById: [["touchById"], ({ client }, options) => client.touchById("t", "1", options)],
  cancel: [["queue"], ({ client }, options) => client.cancel("t", "1", options)],
  reschedule: [["queue"], ({ client }, options) => client.reschedule("t", "1", 5, options)],
  redrive: [["redrive"], ({ client }, options) => client.redrive("t", options)],
  find: [["find"], async ({ client }, options) => client.find("t", options).page()],
  "find, header": [["header"], async ({ client }, header) => client.find("t", { header }).page()],
  browse: [["browse"], ({ client }, options) => client.browse("t", options)],
  purge: [["purge"], ({ client }, options) => client.purge("t", options)],
  pause: [["queue"], ({ client }, options) => client.pause("t", options)],
  resume: [["queue"], ({ client }, options) => client.resume("t", options)],
  drain: [["drain"], ({ client }, options) => client.drain(options)],
  "message.nack": [["nack"], ({ message }, options) => message.nack(options)],
  "message.touch": [["touch"], ({ message }, options) => message.touch(options)],
  "batch.nack": [["nack"], ({ batch }, options) => batch.nack(options)],
  "batch.touch": [["touch"], ({ batch }, options) => batch.touch(options)],
  close: [["close"], ({ client }, options) => client.close(options)],
  connect: [["connection", "link"], (_, options) => connect("tcp://127.0.0.1:1", options)],
  reconnect: [["reconnect"], (_, reconnect) => connect("tcp://127.0.0.1:1", { reconnect })],
};

/** A client with a message and a batch, and the number of frames that were sent for them. */
const subjects = async (): Promise<Subjects & { readonly broker: ScriptedBroker; readonly sent: number }> => {
  const { client, broker } = await connected();
  broker.answer = (seen) => {
    const { op, request } = seen;
    const payload = runs({ high: 1, low: 10, delivery: 7, bodies: ["a"] });
    if (op === Op.POP) return broker.send(frame(Answer.MESSAGES, request, [], payload));
    broker.send(answerTo(seen));
    if (op === Op.CONSUME) broker.send(frame(Answer.MESSAGES, request, [], payload));
  };
  const [message] = await client.pop("t");
  const { value: batch } = await (await client.consume("t")).batches().next();
  if (message === undefined || batch === undefined) throw new Error("unreachable");
  await broker.nth(Op.SEEN);
  return { client, message, batch, broker, sent: broker.frames.length };
};

/** The error that a call rejects with. A call that throws fails the test. */
const rejection = async (act: () => Promise<unknown>): Promise<unknown> => {
  const promise = act();
  return promise.then(
    () => "resolved",
    (reason: unknown) => reason,
  );
};

/** Refused without a read that could throw. */
const unfit = (name: string): object => ({
  name: "RingmqError",
  code: "BAD_ARGUMENT",
  message: expect.stringMatching(new RegExp(`^${name.replaceAll(/[[\]]/g, "\\$&")} (?:cannot|must) be`)),
});

const badArgument = (name: string, cause: unknown = boom): object => ({ ...unfit(name), cause });

const REVOKED = expect.any(TypeError);

describe.each(Object.entries(METHODS))("options of %s that throw", (_, [[known], act]) => {
  it("are a BAD_ARGUMENT that names the option and has what was thrown as its cause", async () => {
    const { sent, ...all } = await subjects();
    const names = known === undefined ? [] : ALL[known];
    expect(names).not.toEqual([]);
    for (const name of names) {
      for (const options of [withGetter(name), withAccessor(name)]) {
        expect(await rejection(() => act(all, options))).toMatchObject(badArgument(name));
      }
    }
    expect(await rejection(() => act(all, proxy({})))).toMatchObject(badArgument("options"));
    expect(await rejection(() => act(all, revoked({})))).toMatchObject(badArgument("options", REVOKED));
    await all.client.ping();
    expect(all.broker.frames).toHaveLength(sent + 1);
    expect(all.client.pendingBytes).toBe(0);
    expect([all.message.isHeld, all.batch.isHeld]).toEqual([true, true]);
  });
});

const OTHERS: readonly (readonly [string, (subjects: Subjects) => Promise<unknown>, object])[] = [
  ["an element of bodies", ({ client }) => client.publishBatch("t", listWithGetter("a")), badArgument("bodies[1]")],
  ["the bodies", ({ client }) => client.publishBatch("t", proxy([])), badArgument("bodies")],
  ["revoked bodies", ({ client }) => client.publishBatch("t", revoked([])), badArgument("bodies", REVOKED)],
  ["an element of ids", ({ client }) => client.ackById("t", listWithGetter("1", "2")), badArgument("ids[2]")],
  ["the ids", ({ client }) => client.nackById("t", proxy([])), badArgument("ids")],
  ["an id to re-drive", ({ client }) => client.redrive("t", { ids: listWithGetter() }), badArgument("ids[0]")],
  ["a header", ({ client }) => client.publish("t", "x", { headers: withGetter("a") }), badArgument("headers")],
  ["headers", ({ client }) => client.publish("t", "x", { headers: proxy({}) }), badArgument("headers")],
  [
    "revoked headers",
    ({ client }) => client.publishBatch("t", ["x"], { headers: revoked({}) }),
    badArgument("headers", REVOKED),
  ],
  [
    "a value in headers",
    ({ client }) => client.publishToChannel("c", "x", { headers: { a: { b: withGetter("c") } } }),
    badArgument("headers"),
  ],
  ["a configuration's value", ({ client }) => client.configure("t", withGetter("ttr")), badArgument("config")],
  ["a configuration", ({ client }) => client.configure("t", proxy({})), badArgument("config")],
  ["a revoked one", ({ client }) => client.configure("t", revoked({})), badArgument("config", REVOKED)],
  ["a topic", ({ client }) => client.stats(proxy({})), unfit("topic")],
  ["a queue", ({ client }) => client.deleteQueue("t", revoked([])), unfit("queue")],
  ["a directory", ({ client }) => client.backup(proxy([])), unfit("directory")],
  ["an address", () => connect(proxy({})), badArgument("the broker's address")],
];

it.each(OTHERS)("%s that throws is a BAD_ARGUMENT that names the argument", async (_, act, expected) => {
  const { sent, broker, ...all } = await subjects();
  expect(await rejection(() => act(all))).toMatchObject(expected);
  await all.client.ping();
  expect([broker.frames.length, all.client.pendingBytes]).toEqual([sent + 1, 0]);
});

it.each([
  ["nothing", undefined],
  ["text", "boom"],
  ["what cannot be read itself", revoked({})],
  ["an error of the client's own", Object.freeze({ name: "RingmqError", code: "QUEUE_FULL", message: "full" })],
])("a getter may throw %s", async (_, thrown) => {
  const { client } = await subjects();
  const options = {
    get delay(): number {
      throw thrown;
    },
  };
  const reason = (await rejection(() => client.publish("t", "x", options))) as Error;
  expect(reason).toMatchObject({ name: "RingmqError", code: "BAD_ARGUMENT" });
  expect(reason.message).toMatch(/^delay cannot be read: /);
  expect(reason.cause === thrown).toBe(true);
});

it("an option is looked at once: what it says the second time is not asked for", async () => {
  const { client, broker } = await subjects();
  let looks = 0;
  const options = {
    get delay(): number {
      return looks++ === 0 ? 5 : Number.NaN;
    },
  };
  await client.publish("t", "x", options);
  expect([(await broker.nth(Op.PUBLISH)).head, looks]).toEqual([["t", null, 5], 1]);
});

it("what a program publishes while its options are looked at goes first, and both arrive", async () => {
  const { client, broker } = await subjects();
  const inner: Promise<unknown>[] = [];
  const headers = {
    get a(): number {
      inner.push(client.publish("t", "inner"));
      return 1;
    },
  };
  broker.answer = ({ request }) => broker.send(confirm({ request, messages: 2 }));
  await client.publish("t", "outer", { headers });
  await Promise.all(inner);
  expect(inner).toHaveLength(1);
  const { payload } = await broker.nth(Op.PUBLISH);
  expect([payload.indexOf("inner") > 0, payload.indexOf("inner") < payload.indexOf("outer")]).toEqual([true, true]);
});

describe("a signal that is not the platform's", () => {
  const fake = { aborted: false, reason: undefined, addEventListener: () => {}, removeEventListener: () => {} };

  it.each([
    [
      "whose state",
      {
        get aborted(): boolean {
          return fail();
        },
      },
    ],
    ["whose listening", { addEventListener: fail }],
  ])("%s throws is a BAD_ARGUMENT", async (_, part) => {
    const broker = await ScriptedBroker.start(undefined);
    const signal = Object.defineProperties({ ...fake }, Object.getOwnPropertyDescriptors(part)) as never;
    expect(await rejection(() => connect(broker.url, { signal }))).toMatchObject(badArgument("signal"));
  });

  it("may throw when it is left: the connection is made", async () => {
    const { client } = await connected({ signal: { ...fake, removeEventListener: fail } as never });
    await client.close();
  });

  it("may throw when it is asked why: that is the cause", async () => {
    const signal = Object.defineProperty({ ...fake, aborted: true }, "reason", { get: fail }) as never;
    expect(await rejection(() => connect("tcp://127.0.0.1:1", { signal }))).toMatchObject({
      code: "ABORTED",
      cause: boom,
    });
  });
});

it("a message whose nack was refused is still held, and can be settled", async () => {
  const { broker, message } = await subjects();
  await expect(message.nack({ delay: -1 })).rejects.toMatchObject({ code: "BAD_ARGUMENT" });
  expect(message.isHeld).toBe(true);
  await message.ack();
  await broker.nth(Op.ACK);
});
