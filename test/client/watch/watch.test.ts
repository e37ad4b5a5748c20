/** The samples of a broker at the client: how they are read, and what becomes of a watch when the broker goes. */
import { describe, expect, it, onTestFinished } from "vitest";
import type { Client } from "../../../src/client/client.js";
import { connect } from "../../../src/client/connect.js";
import type { BrokerSample, Watch } from "../../../src/client/index.js";
import { ERRORS } from "../../../src/protocol/errors.js";
import { Answer, Op } from "../../../src/protocol/op.js";
import { confirm, error, type Frame, frame, hello, result, ScriptedBroker } from "../scripted-broker.js";
import { unhandledRejections } from "../unhandled-rejections.js";

const numbers = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 8);
  for (const [i, value] of values.entries()) bytes.writeDoubleBE(value, i * 8);
  return bytes;
};

/** Names in another order than the client's, one that it does not know, and not all that it does. */
const COLUMNS = ["connections", "mood", "time"];
const SHARD_COLUMNS = ["acked", "oldestReadyAge", "up"];

/** Two shards, of which the second is down. */
const row = (time: number): Buffer => numbers(3, 99, time, 10, 500, 1, 20, 250, 0);

const told = (...times: readonly number[]): readonly unknown[] => [
  COLUMNS,
  SHARD_COLUMNS,
  2,
  Buffer.concat(times.map(row)),
];

const sample = (time: number): Buffer => frame(Answer.SAMPLE, 0, [], row(time));

/** A broker that tells of samples at these times, and its client. */
const watched = async (
  answer: (frame: Frame) => Buffer = ({ request }) => result(request, told(1, 2)),
): Promise<{ broker: ScriptedBroker; client: Client }> => {
  const broker = await ScriptedBroker.start(hello());
  broker.answer = (seen) => {
    if (seen.op === Op.WATCH) broker.send(answer(seen));
    else broker.send(seen.op === Op.PING ? result(seen.request) : confirm({ request: seen.request }));
  };
  const client = await connect(broker.url, { reconnect: { minDelay: 1, maxDelay: 1 } });
  onTestFinished(() => client.close());
  return { broker, client };
};

const timesOf = (samples: readonly BrokerSample[]): number[] => samples.map(({ time }) => time);

const take = async (watch: Watch, count: number): Promise<number[]> => {
  const times: number[] = [];
  while (times.length < count) times.push((await watch.next()).value?.time ?? Number.NaN);
  return times;
};

describe("a watch", () => {
  it("has the history, and what comes: numbers by their names, and those of all shards together", async () => {
    const { broker, client } = await watched(({ request }) =>
      // In one read with the answer.
      Buffer.concat([result(request, told(1, 2)), sample(3)]),
    );
    const watch = await client.watch();
    expect(timesOf(watch.history)).toEqual([1, 2]);
    const { value } = await watch.next();
    expect(value).toMatchObject({ time: 3, connections: 3, acked: 30, oldestReadyAge: 500, published: 0 });
    expect(value?.diskFreeBytes).toBe(0);
    expect(value?.shards).toMatchObject([
      { up: true, acked: 10, oldestReadyAge: 500, ready: 0 },
      { up: false, acked: 20, oldestReadyAge: 250 },
    ]);
    expect(value).not.toHaveProperty("mood");
    // Of what is not read in time the newest stays.
    broker.send(...Array.from({ length: 300 }, (_, i) => sample(i + 4)));
    await client.ping();
    expect(await take(watch, 256)).toEqual(Array.from({ length: 256 }, (_, i) => i + 48));
    expect(timesOf(watch.history)).toEqual([1, 2]);
  });

  it("shares the samples with others, and the broker is told to stop when the last has been left", async () => {
    const { broker, client } = await watched();
    const one = await client.watch();
    const another = await client.watch();
    broker.send(sample(3));
    expect(await take(one, 1)).toEqual([3]);
    for await (const { time } of another) {
      expect(time).toBe(3);
      break;
    }
    await client.ping();
    expect(broker.frames.filter(({ op }) => op === Op.UNWATCH)).toEqual([]);
    expect(await another.next()).toEqual({ done: true, value: undefined });
    await one.return();
    await one.return();
    await client.ping();
    expect(broker.frames.filter(({ op }) => op === Op.UNWATCH)).toHaveLength(1);
    // And again.
    await using third = await client.watch();
    broker.send(sample(4));
    expect(await take(third, 1)).toEqual([4]);
  });

  it("goes on with the next connection, with what it has missed; its reader has to do nothing", async () => {
    const unhandled = unhandledRejections();
    let history = [1, 2];
    const { broker, client } = await watched(({ request }) => result(request, told(...history)));
    const watch = await client.watch();
    broker.send(sample(3));
    expect(await take(watch, 1)).toEqual([3]);
    for (let cut = 1; cut <= 3; cut++) {
      history = [2, 3, 10 * cut, 10 * cut + 1];
      broker.socket.destroy();
      await broker.seen(Op.WATCH, cut + 1);
      broker.send(sample(10 * cut + 2));
      expect(await take(watch, 3)).toEqual([10 * cut, 10 * cut + 1, 10 * cut + 2]);
    }
    // One that was left while there was no connection is not asked for again, or stopped at once.
    broker.socket.destroy();
    await watch.return();
    await client.ping();
    const asked = broker.frames.filter(({ op }) => op === Op.WATCH).length;
    expect(broker.frames.filter(({ op }) => op === Op.UNWATCH)).toHaveLength(asked - 4);
    expect(unhandled).toEqual([]);
  });

  it("ends with the client, and with the error when the next broker refuses it; it can be begun again", async () => {
    const { code, retryable, closes } = ERRORS.FORBIDDEN;
    let isRefused = false;
    const { broker, client } = await watched(({ request }) =>
      isRefused ? error(request, code, "not you", retryable, closes) : result(request, told(1)),
    );
    const watch = await client.watch();
    isRefused = true;
    broker.socket.destroy();
    await expect(watch.next()).rejects.toMatchObject({ code: "FORBIDDEN" });
    expect(await watch.next()).toEqual({ done: true, value: undefined });
    await expect(client.watch()).rejects.toMatchObject({ code: "FORBIDDEN" });
    isRefused = false;
    const again = await client.watch();
    const next = again.next();
    await client.close();
    expect(await next).toEqual({ done: true, value: undefined });
    await expect(client.watch()).rejects.toMatchObject({ code: "CLIENT_CLOSED" });
  });

  it.each([
    ["nothing", null],
    ["no names", [1, 2, 3, 4]],
    ["no names of the broker", [[], SHARD_COLUMNS, 2, row(1)]],
    ["a row that is cut off", [COLUMNS, SHARD_COLUMNS, 2, row(1).subarray(1)]],
    ["more shards than numbers", [COLUMNS, SHARD_COLUMNS, 2 ** 40, row(1)]],
    ["shards that are no number", [COLUMNS, SHARD_COLUMNS, -1, row(1)]],
  ])("is refused where the broker answers with %s", async (_what, answer) => {
    const { client } = await watched(({ request }) => result(request, answer));
    await expect(client.watch()).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
  });

  it("survives a broker whose samples are not what it has said: another connection is made", async () => {
    const { broker, client } = await watched();
    const watch = await client.watch();
    broker.send(frame(Answer.SAMPLE, 0, [], row(3).subarray(8)));
    await broker.seen(Op.WATCH, 2);
    broker.send(sample(4));
    expect(await take(watch, 1)).toEqual([4]);
  });
});
