/**
 * Every option that is a time, at the ends of its range. Timers stand still until a test moves them; sockets do not.
 */
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import type { Client } from "../../../src/client/client.js";
import { connect } from "../../../src/client/connect.js";
import type { Message } from "../../../src/client/consume/message.js";
import type { MessageBatch } from "../../../src/client/consume/message-batch.js";
import { MAX_DELAY, MAX_POP_WAIT } from "../../../src/protocol/limits.js";
import { Answer, Op } from "../../../src/protocol/op.js";
import { answerTo, connected, type Frame, frame, runs, ScriptedBroker } from "../scripted-broker.js";

/** The shortest time that is too long for setTimeout, which would fire after 1 ms. */
const LONG = 2 ** 31;
const LONGEST = 2 ** 53;

interface Subjects {
  readonly client: Client;
  readonly message: Message;
  readonly batch: MessageBatch;
}

type Act = (subjects: Subjects, time: never) => Promise<unknown>;

/** Times that are sent: the call, the operation, and the position in its head. */
const TRAVELLING: Readonly<Record<string, readonly [Act, number, number]>> = {
  "publish delay": [({ client }, delay) => client.publish("t", "x", { delay }), Op.PUBLISH, 2],
  "publish ttl": [({ client }, ttl) => client.publish("t", "x", { ttl }), Op.PUBLISH, 3],
  "publishBatch delay": [({ client }, delay) => client.publishBatch("t", ["x"], { delay }), Op.PUBLISH, 2],
  "publishBatch ttl": [({ client }, ttl) => client.publishBatch("t", ["x"], { ttl }), Op.PUBLISH, 3],
  "message.nack delay": [({ message }, delay) => message.nack({ delay }), Op.NACK, 2],
  "batch.nack delay": [({ batch }, delay) => batch.nack({ delay }), Op.NACK, 2],
  "nackById delay": [({ client }, delay) => client.nackById("t", "1", { delay }), Op.NACK, 2],
  "message.touch ttr": [({ message }, ttr) => message.touch({ ttr }), Op.TOUCH, 2],
  "batch.touch ttr": [({ batch }, ttr) => batch.touch({ ttr }), Op.TOUCH, 2],
  "touchById ttr": [({ client }, ttr) => client.touchById("t", "1", { ttr }), Op.TOUCH, 2],
  "reschedule delay": [({ client }, delay) => client.reschedule("t", "1", delay), Op.RESCHEDULE, 2],
};

/** Times for which the client waits, or has the broker wait in several requests. */
const WAITING: Readonly<Record<string, Act>> = {
  "pop wait": ({ client }, wait) => client.pop("t", { wait }),
  "drain timeout": ({ client }, timeout) => client.drain({ timeout }),
  "connect connectTimeout": (_, connectTimeout) => connect("tcp://127.0.0.1:1", { connectTimeout }),
};

const NEVER: readonly unknown[] = [
  Number.NaN,
  -1,
  -0.5,
  -LONG,
  Number.NEGATIVE_INFINITY,
  "5",
  "",
  5n,
  null,
  true,
  {},
  [],
];
const NOT_SENT: readonly unknown[] = [...NEVER, 0.5, MAX_DELAY + 1, LONGEST, Number.POSITIVE_INFINITY];
const NOT_WAITED: readonly unknown[] = [...NEVER, LONGEST + 2, Number.MAX_VALUE];

const subjects = async (): Promise<Subjects & { readonly broker: ScriptedBroker }> => {
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
  return { client, message, batch, broker };
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
});

describe("a time that is none is refused, and nothing is sent", () => {
  const refuses = async (name: string, act: Act, times: readonly unknown[]): Promise<void> => {
    const { broker, ...all } = await subjects();
    const sent = broker.frames.length;
    const timers = vi.getTimerCount();
    const option = name.split(" ")[1] ?? "";
    for (const time of times) {
      await expect(act(all, time as never), String(time)).rejects.toMatchObject({
        code: "BAD_ARGUMENT",
        message: expect.stringMatching(new RegExp(`^${option} must be `)),
      });
    }
    await turn();
    expect([broker.frames.length, all.client.pendingBytes, vi.getTimerCount()]).toEqual([sent, 0, timers]);
  };

  it.each(Object.entries(TRAVELLING))("%s", (name, [act]) => refuses(name, act, NOT_SENT));

  it.each(Object.entries(WAITING))("%s", (name, act) => refuses(name, act, NOT_WAITED));

  it("pop wait with half a millisecond", () =>
    refuses("pop wait", ({ client }, wait) => client.pop("t", { wait }), [0.5]));

  it("reschedule without a time", () =>
    refuses("reschedule delay", ({ client }, t) => client.reschedule("t", "1", t), [undefined]));
});

describe("a time that travels arrives as it is", () => {
  it.each(Object.entries(TRAVELLING))("%s", async (_, [act, op, place]) => {
    const { broker, ...all } = await subjects();
    for (const [i, time] of [0, LONG - 1, LONG, 2 ** 32, MAX_DELAY].entries()) {
      await act(all, time as never);
      expect((await broker.nth(op, i + 1)).head[place]).toBe(time);
    }
  });
});

/** Moves time and checks that this does not settle `promise`. */
const outlasts = async (time: number, promise: Promise<unknown>): Promise<void> => {
  let isOver = false;
  const over = (): void => {
    isOver = true;
  };
  promise.then(over, over);
  await vi.advanceTimersByTimeAsync(time);
  await turn();
  expect(isOver).toBe(false);
};

/** Moves time to one millisecond before the end, and then to the end. */
const endsAt = async (time: number, promise: Promise<unknown>): Promise<void> => {
  if (time > 0) await outlasts(time - 1, promise);
  await vi.advanceTimersByTimeAsync(Math.min(time, 1));
};

const AGES = [LONGEST, Number.POSITIVE_INFINITY];

describe("connecting waits", () => {
  it.each([0, 1, LONG - 1, LONG, LONG + 1])("%d ms", async (connectTimeout) => {
    const broker = await ScriptedBroker.start(undefined);
    const connecting = connect(broker.url, { connectTimeout });
    const failed = expect(connecting).rejects.toMatchObject({ code: "CONNECT_FAILED" });
    if (connectTimeout > 0) await broker.nth(Op.HELLO);
    await endsAt(connectTimeout, connecting);
    await failed;
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each(AGES)("%d ms", async (connectTimeout) => {
    const broker = await ScriptedBroker.start(undefined);
    const abort = new AbortController();
    const connecting = connect(broker.url, { connectTimeout, signal: abort.signal });
    const aborted = expect(connecting).rejects.toMatchObject({ code: "ABORTED" });
    await broker.nth(Op.HELLO);
    await outlasts(4 * LONG, connecting);
    expect(vi.getTimerCount()).toBe(connectTimeout === LONGEST ? 1 : 0);
    abort.abort();
    await aborted;
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("draining waits", () => {
  it.each([0, 1, LONG - 1, LONG, LONG + 1])("%d ms for an answer that does not come", async (timeout) => {
    const { client } = await connected();
    const ping = expect(client.ping()).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
    const drained = client.drain({ timeout });
    await endsAt(timeout, drained);
    await Promise.all([drained, ping]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each(AGES)("%d ms for an answer that does not come", async (timeout) => {
    const { client } = await connected();
    const ping = expect(client.ping()).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
    const drained = client.drain({ timeout });
    await outlasts(4 * LONG, drained);
    expect(vi.getTimerCount()).toBe(timeout === LONGEST ? 1 : 0);
    await client.close();
    await Promise.all([drained, ping]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("a pop has the broker wait", () => {
  /** The waits that a pop requests, when the broker has a message at the `last` one, or never. */
  const waits = async (wait: number, last = Number.POSITIVE_INFINITY): Promise<unknown[]> => {
    const { client, broker } = await connected();
    const seen: Frame[] = [];
    broker.answer = (pop) => {
      seen.push(pop);
      const payload = seen.length < last ? Buffer.alloc(0) : runs({ high: 1, low: 1, delivery: 7, bodies: ["a"] });
      broker.send(frame(Answer.MESSAGES, pop.request, [], payload));
    };
    expect(await client.pop("t", { wait })).toHaveLength(last === Number.POSITIVE_INFINITY ? 0 : 1);
    return seen.map(({ head }) => head[3]);
  };

  it.each([0, 1, MAX_POP_WAIT])("%d ms at once", async (wait) => {
    expect(await waits(wait)).toEqual([wait]);
  });

  it.each([MAX_POP_WAIT + 1, LONG, LONG + 1])("%d ms, a day at a time", async (wait) => {
    const asked = await waits(wait);
    expect(asked.slice(0, -1).every((each) => each === MAX_POP_WAIT)).toBe(true);
    expect(asked.reduce((sum: number, each) => sum + Number(each), 0)).toBe(wait);
  });

  it.each(AGES)("%d ms, a day at a time, until there is a message", async (wait) => {
    expect(await waits(wait, 50)).toEqual(Array.from({ length: 50 }, () => MAX_POP_WAIT));
  });
});
