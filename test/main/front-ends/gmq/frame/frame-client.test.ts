/** A client of frames whose shard is in the hands of the test. */
import { describe, expect, it } from "vitest";
import type { Asker } from "../../../../../src/main/front-ends/gmq/answer-turns.js";
import { FrameClient } from "../../../../../src/main/front-ends/gmq/frame/frame-client.js";
import { FrameContext } from "../../../../../src/main/front-ends/gmq/frame/frame-context.js";
import { JobTable } from "../../../../../src/main/front-ends/gmq/frame/job-table.js";
import { type AnswerHandler, CurrentFrame } from "../../../../../src/main/native/answer-frame.js";
import { packHead } from "../../../../../src/protocol/head.js";
import { Answer, Op } from "../../../../../src/protocol/op.js";
import { heldBytes } from "../../../../collected-memory.js";
import { ERROR, MESSAGE, pop, push, request } from "../../../../conformance/gmq-frame-client.js";
import { frame } from "../../../frames.js";
import { until } from "../../../switchboard.js";
import { confirm, messages, openSession, readOnce } from "../../../test-session.js";

const MAX_IN_FLIGHT = 100;

const open = async (table = new JobTable()) => {
  const { session, shard, client } = await openSession(undefined, { inOrder: true, maxInFlight: MAX_IN_FLIGHT });
  const answers: string[] = [];
  const write = (bytes: string | Uint8Array): void => {
    const answer = Buffer.from(bytes);
    answers.push(`${answer.readInt16BE(0)} ${answer.toString("utf8", 4)}`);
  };
  const context = new FrameContext(table);
  const frames = new FrameClient(session, { write }, context);
  /** Answers whether all of it has been taken. */
  const send = (...requests: readonly Buffer[]): boolean => {
    const bytes = Buffer.concat(requests);
    return frames.take(bytes, 0, bytes.length) === bytes.length;
  };
  return { session, shard, client, context, send, answers };
};

describe("a client", () => {
  it.each([
    ["unknown commands", request("x")],
    ["pushes that are none", request("push", "{}")],
    ["pops of nothing", pop("")],
    ["acks of jobs that there are not", request("ack", '{"JobId":9}')],
    ["pushes of a job whose push is not confirmed", push({ Id: 1, Topic: "t" })],
  ])("is not read on when as many requests are unanswered as may be: %s", async (_name, refused) => {
    const { session, shard, send, answers } = await open();
    send(push({ Id: 1, Topic: "t" }));
    let count = 1;
    for (; !session.isBlocked && count < 10 * MAX_IN_FLIGHT; count++) send(refused);
    expect(count).toBe(MAX_IN_FLIGHT);
    expect(answers).toEqual([]);
    const [{ envelope, frames } = { envelope: [], frames: [] }] = await readOnce(shard);
    shard.answer(envelope[1] ?? 0, confirm(frames[0]?.request ?? 0));
    await until(() => answers.length === MAX_IN_FLIGHT);
    expect(answers[0]).toBe(MESSAGE("1"));
    expect(session.isBlocked).toBe(false);
  });

  it("gets what it popped before it sent what is no request", async () => {
    const { shard, send, answers, client } = await open();
    send(pop("t"), Buffer.from("rubbish"));
    const [{ envelope, frames } = { envelope: [], frames: [] }] = await readOnce(shard);
    expect(frames.map(({ op }) => op)).toEqual([Op.POP]);
    expect(client.ends).toEqual([]);
    shard.answer(envelope[1] ?? 0, frame(Answer.ERROR, frames[0]?.request ?? 0, [1, "no", false, false]));
    await until(() => client.ends.length > 0);
    expect(answers).toEqual([ERROR("no"), ERROR("a request begins with v111")]);
  });
});

it("has a message of another protocol before it is ended, however long its turn to ask for the TTR does not come", async () => {
  const { session, shard, client, context, send, answers } = await open();
  // As many as are under way at a time.
  const others: AnswerHandler[] = [];
  const other: Asker = { request: (_op, _flags, _head, _payload, onAnswer) => others.push(onAnswer) };
  for (let i = 0; i < 8; i++) context.turns.request(other, Op.STATS, packHead(["u"]), () => {});
  send(pop("t"));
  // Its client has ended its side.
  session.end();
  const [popped] = await readOnce(shard);
  shard.answer(popped?.envelope[1] ?? 0, messages(popped?.frames[0]?.request ?? 0, "b"));
  await until(() => session.inFlight === 0);
  await new Promise((resolve) => setImmediate(resolve));
  expect([answers, client.ends]).toEqual([[], []]);
  others[0]?.(new CurrentFrame());
  const [asked] = await readOnce(shard);
  const statistics = frame(Answer.RESULT, asked?.frames[0]?.request ?? 0, [], packHead([{ config: { ttr: 7_000 } }]));
  shard.answer(asked?.envelope[1] ?? 0, statistics);
  await until(() => client.ends.length > 0);
  expect([answers.length, client.ends]).toEqual([1, ["end"]]);
});

it("asks for the TTR of a topic once for many messages of other protocols", async () => {
  const { shard, send, answers } = await open();
  for (let i = 1; i <= 5; i++) {
    send(pop("t"));
    const [popped] = await readOnce(shard);
    const request = popped?.frames[0]?.request ?? 0;
    shard.answer(popped?.envelope[1] ?? 0, messages(request, "b"));
    if (i === 1) {
      const [asked] = await readOnce(shard);
      expect(asked?.frames.map(({ op }) => op)).toEqual([Op.STATS]);
      const statistics = frame(
        Answer.RESULT,
        asked?.frames[0]?.request ?? 0,
        [],
        packHead([{ config: { ttr: 7_000 } }]),
      );
      shard.answer(asked?.envelope[1] ?? 0, statistics);
    }
    await until(() => answers.length === i);
    expect(answers[i - 1]).toContain('"TTR":7,');
  }
  expect(shard.read()).toEqual([]);
});

describe("the table of jobs", () => {
  const COUNT = 1_000;

  it("holds nothing of a push but the id and the topic", async () => {
    const table = new JobTable();
    const { shard, send, answers } = await open(table);
    const before = await heldBytes();
    for (let i = 0; i < COUNT; i++) {
      const id = 384_261_148_721_025n * 1_000n + BigInt(i);
      send(request("push", `{"Id":${id},"Topic":"a topic of some length","Body":"${"x".repeat(30_000)}"}`));
      const [{ envelope, frames } = { envelope: [], frames: [] }] = await readOnce(shard);
      shard.answer(envelope[1] ?? 0, confirm(frames[0]?.request ?? 0));
      await until(() => answers.length === i + 1);
    }
    expect(new Set(answers).size).toBe(COUNT);
    expect((await heldBytes()) - before).toBeLessThan(COUNT * 5_000);
    expect(table.size).toBe(COUNT);
  });

  it("holds nothing of a pop but the topic", async () => {
    const table = new JobTable();
    const { shard, send, answers } = await open(table);
    const before = await heldBytes();
    for (let i = 0; i < COUNT; i++) {
      send(pop(`a topic of some length,${",".repeat(30_000 + (i % 2))}`));
      const [{ envelope, frames } = { envelope: [], frames: [] }] = await readOnce(shard);
      shard.answer(envelope[1] ?? 0, messages(frames[0]?.request ?? 0, "b", 7, i + 1));
      await until(() => shard.read().length > 0);
      shard.answer(envelope[1] ?? 0, frame(Answer.ERROR, (frames[0]?.request ?? 0) + 1, [1, "no", false, false]));
      await until(() => answers.length === i + 1);
    }
    expect(new Set(answers).size).toBe(COUNT);
    expect((await heldBytes()) - before).toBeLessThan(COUNT * 5_000);
    expect(table.size).toBe(COUNT);
  });
});
