import { describe, expect, it, vi } from "vitest";
import { SILENT } from "../../../src/main/log.js";
import { ERRORS } from "../../../src/protocol/errors.js";
import { packHead } from "../../../src/protocol/head.js";
import { Answer, Op } from "../../../src/protocol/op.js";
import { entries, frame } from "../frames.js";
import { until } from "../switchboard.js";
import {
  ask,
  type Copy,
  copyOf,
  MAX_FRAME,
  messages,
  openSession,
  readOnce,
  receipt,
  TestClient,
  turn,
} from "../test-session.js";

describe("a session", () => {
  it("sends the requests of one turn together", async () => {
    const { session, shard } = await openSession();
    const answers = new Map<string, Copy>();
    for (let i = 0; i < 20; i++) ask(session, answers, `topic-${i}`);
    expect(shard.read()).toEqual([]);
    const arrived = await readOnce(shard);
    expect(arrived).toHaveLength(1);
    expect(arrived[0]?.frames.map(({ head }) => head[0])).toEqual(Array.from({ length: 20 }, (_, i) => `topic-${i}`));
  });

  it("gives each request its own receipt out of one for many", async () => {
    const { session, shard } = await openSession();
    const answers = new Map<string, Copy>();
    for (const name of ["a", "b", "c", "d", "e"]) ask(session, answers, name);
    const [{ envelope, frames } = { envelope: [], frames: [] }] = await readOnce(shard);
    const [first = 0] = frames.map(({ request }) => request);
    const payload = Buffer.concat([receipt(first, 3, 1_000, 3), receipt(first + 3, 2, 0, 0)]);
    shard.answer(envelope[1] ?? 0, frame(Answer.CONFIRM, 0, [], payload, 1));
    await until(() => answers.size === 5);
    expect([...answers].map(([name, { op, flags, payload }]) => [name, op, flags, payload])).toEqual([
      ["a", Answer.CONFIRM, 1, receipt(first, 1, 1_000, 1)],
      ["b", Answer.CONFIRM, 1, receipt(first + 1, 1, 1_001, 1)],
      ["c", Answer.CONFIRM, 1, receipt(first + 2, 1, 1_002, 1)],
      ["d", Answer.CONFIRM, 1, receipt(first + 3, 1, 0, 0)],
      ["e", Answer.CONFIRM, 1, receipt(first + 4, 1, 0, 0)],
    ]);
  });

  it("hands over other answers as they are, and each once", async () => {
    const { session, shard } = await openSession();
    const answers = new Map<string, Copy>();
    let calls = 0;
    session.request(Op.STATS, 0, packHead(["t"]), undefined, (answer) => {
      calls++;
      answers.set("t", copyOf(answer));
    });
    const [{ envelope, frames } = { envelope: [], frames: [] }] = await readOnce(shard);
    const answer = frame(Answer.RESULT, frames[0]?.request ?? 0, [], Buffer.from("statistics"));
    shard.answer(envelope[1] ?? 0, answer, answer);
    await until(() => answers.size === 1);
    expect(answers.get("t")?.payload.toString()).toBe("statistics");
    expect(calls).toBe(1);
  });

  it("answers a request that is too long, or that comes when too much is under way, itself and later", async () => {
    const { session, shard } = await openSession();
    const answers = new Map<string, Copy>();
    ask(session, answers, "long", Buffer.alloc(MAX_FRAME));
    for (let i = 0; i < 4; i++) ask(session, answers, `large-${i}`, entries(Buffer.alloc(25_000)));
    expect(answers.size).toBe(0);
    await readOnce(shard);
    await until(() => answers.size === 3);
    expect([...answers].map(([name, { op, head }]) => [name, op, head[0]])).toEqual([
      ["long", Answer.ERROR, ERRORS.FRAME_TOO_LARGE.code],
      ["large-2", Answer.ERROR, ERRORS.BUSY.code],
      ["large-3", Answer.ERROR, ERRORS.BUSY.code],
    ]);
  });

  it("answers BUSY when a shard does not take what it is sent, and goes on when it does", async () => {
    const { session, shard } = await openSession();
    const answers = new Map<string, Copy>();
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    let asked = 0;
    while (answers.size === 0) {
      ask(session, answers, `${asked}`, entries(Buffer.alloc(20_000)));
      asked++;
      await turn();
    }
    const [refused] = answers.values();
    expect([refused?.op, refused?.head[0], refused?.head[2]]).toEqual([Answer.ERROR, ERRORS.BUSY.code, true]);
    let arrived = 0;
    while (arrived < asked - 1) {
      for (const { frames } of shard.read()) arrived += frames.length;
      await turn();
    }
    await turn();
    ask(session, answers, "again");
    const [again] = await readOnce(shard);
    expect(again?.frames[0]?.head[0]).toBe("again");
  });

  it("answers the requests of a turn that fails, and goes on with the next", async () => {
    const errors: unknown[] = [];
    const { session, connection, shard } = await openSession({ ...SILENT, error: (fields) => errors.push(fields) });
    const answers = new Map<string, Copy>();
    const fault = new Error("a bug on the way to a shard");
    vi.spyOn(connection, "receive").mockImplementationOnce(() => {
      throw fault;
    });
    for (const name of ["a", "b"]) ask(session, answers, name);
    ask(session, answers, "long", Buffer.alloc(MAX_FRAME));
    await until(() => answers.size === 3);
    expect([...answers].map(([name, { op, head }]) => [name, op, head[0]])).toEqual([
      ["a", Answer.ERROR, ERRORS.SHARD_RESTARTED.code],
      ["b", Answer.ERROR, ERRORS.SHARD_RESTARTED.code],
      ["long", Answer.ERROR, ERRORS.FRAME_TOO_LARGE.code],
    ]);
    expect(errors).toEqual([{ error: fault }]);
    ask(session, answers, "next");
    const [arrived] = await readOnce(shard);
    expect(arrived?.frames.map(({ head }) => head[0])).toEqual(["next"]);
  });

  it("answers the others when a handler throws", async () => {
    const errors: unknown[] = [];
    const { session, shard } = await openSession({ ...SILENT, error: (fields) => errors.push(fields) });
    const answers = new Map<string, Copy>();
    session.request(Op.STATS, 0, packHead(["bad"]), undefined, () => {
      throw new Error("a bug in a front end");
    });
    ask(session, answers, "good");
    const [{ envelope, frames } = { envelope: [], frames: [] }] = await readOnce(shard);
    for (const { request } of frames) shard.answer(envelope[1] ?? 0, frame(Answer.RESULT, request));
    await until(() => answers.size === 1);
    expect(errors).toHaveLength(1);
  });
});

describe("answers in order", () => {
  it("wait for those to earlier requests, as copies that count as unsent", async () => {
    const { session, shard } = await openSession(SILENT, { inOrder: true });
    const seen: string[] = [];
    const requests = ["a", "b", "c"].map((name) =>
      session.request(Op.STATS, 0, packHead([name]), undefined, ({ bytes, payloadStart, payloadEnd }) => {
        seen.push(`${name} ${Buffer.from(bytes.subarray(payloadStart, payloadEnd))}`);
      }),
    );
    session.inOrder(() => seen.push("own"));
    await readOnce(shard);
    const [a = 0, b = 0, c = 0] = requests;
    shard.answer(session.id, frame(Answer.RESULT, c, [], Buffer.from("third")));
    shard.answer(session.id, frame(Answer.RESULT, b, [], Buffer.from("second")));
    await until(() => session.inFlight === 1);
    expect(seen).toEqual([]);
    shard.answer(session.id, frame(Answer.RESULT, a, [], Buffer.from("first")));
    await until(() => session.inFlight === 0);
    expect(seen).toEqual(["a first", "b second", "c third", "own"]);
  });

  it("are missed by a client one of whose handlers throws: it is cut off, and the others are called all the same", async () => {
    const errors: unknown[] = [];
    const { session, shard, client } = await openSession(
      { ...SILENT, error: (fields) => errors.push(fields) },
      { inOrder: true },
    );
    const seen: string[] = [];
    const requests = ["a", "b", "c"].map((name) =>
      session.request(Op.STATS, 0, packHead([name]), undefined, () => {
        seen.push(name);
        throw new Error(name);
      }),
    );
    await readOnce(shard);
    for (const request of requests.toReversed()) shard.answer(session.id, frame(Answer.RESULT, request));
    await until(() => seen.length === 3);
    expect(seen).toEqual(["a", "b", "c"]);
    expect(errors).toHaveLength(3);
    expect(client.ends[0]).toBe("destroy");
  });

  it("block the session while a pop waits", async () => {
    const { session, shard, client } = await openSession(SILENT, { inOrder: true });
    let popped = 0;
    session.pop("topic", "", { wait: 1_000 }, () => popped++);
    expect(session.isBlocked).toBe(true);
    const [{ frames } = { frames: [] }] = await readOnce(shard);
    expect(client.proceeded).toBe(0);
    shard.answer(session.id, messages(frames[0]?.request ?? 0, "x"));
    await until(() => popped === 1);
    expect([session.isBlocked, client.proceeded]).toEqual([false, 1]);
  });
});

it("requests of many sessions are sent in one turn, each under its own number", async () => {
  const { shard, session, add } = await openSession();
  const others = [add(new TestClient()), add(new TestClient())];
  for (const each of [session, ...others]) for (const name of ["a", "b"]) ask(each, new Map(), name);
  await turn();
  const arrived = shard.read();
  expect(arrived.map(({ envelope, frames }) => [envelope[1], frames.length])).toEqual(
    [session, ...others].map(({ id }) => [id, 2]),
  );
});
