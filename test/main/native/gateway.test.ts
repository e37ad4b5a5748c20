import { describe, expect, it, vi } from "vitest";
import type { Log } from "../../../src/main/log.js";
import { SILENT } from "../../../src/main/log.js";
import { type AnswerFrame, Gateway } from "../../../src/main/native/gateway.js";
import { ERRORS } from "../../../src/protocol/errors.js";
import { packHead, unpackHead } from "../../../src/protocol/head.js";
import { Answer, Op } from "../../../src/protocol/op.js";
import { entries, frame } from "../frames.js";
import { type TestShard, testSwitchboard, until } from "../switchboard.js";

const MAX_FRAME = 50_000;

const open = async (log: Log = SILENT) => {
  const board = await testSwitchboard({ maxFrameBytes: MAX_FRAME, maxMessageBytes: 40_000 });
  const gateway = new Gateway((transport) => board.open(transport), MAX_FRAME, log);
  const [shard] = board.shards;
  if (shard === undefined) throw new Error("there is a shard");
  return { gateway, shard };
};

/** What an answer says, copied out. */
const copyOf = (answer: AnswerFrame) => ({
  op: answer.op,
  flags: answer.flags,
  head: unpackHead(answer.bytes, answer.headStart, answer.headEnd),
  payload: Buffer.from(answer.bytes.subarray(answer.payloadStart, answer.payloadEnd)),
  receiptBytes: answer.payloadEnd - answer.payloadStart,
});

type Copy = ReturnType<typeof copyOf>;

const ask = (gateway: Gateway, answers: Map<string, Copy>, name: string, payload?: Uint8Array): void =>
  gateway.request(Op.PUBLISH, 0, packHead([name]), payload ?? entries("x"), (answer) => {
    answers.set(name, copyOf(answer));
  });

const readOnce = async (shard: TestShard) => {
  const arrived: ReturnType<TestShard["read"]> = [];
  await until(() => {
    arrived.push(...shard.read());
    return arrived.length > 0;
  });
  return arrived;
};

const receipt = (request: number, requests: number, low: number, messages: number): Buffer => {
  const bytes = Buffer.alloc(20);
  bytes.writeUInt32BE(request, 0);
  bytes.writeUInt32BE(requests, 4);
  bytes.writeUInt32BE(low === 0 ? 0 : 77, 8);
  bytes.writeUInt32BE(low, 12);
  bytes.writeUInt32BE(messages, 16);
  return bytes;
};

describe("the gateway", () => {
  it("sends the requests of one turn together", async () => {
    const { gateway, shard } = await open();
    const answers = new Map<string, Copy>();
    for (let i = 0; i < 20; i++) ask(gateway, answers, `topic-${i}`);
    expect(shard.read()).toEqual([]);
    const arrived = await readOnce(shard);
    expect(arrived).toHaveLength(1);
    expect(arrived[0]?.frames.map(({ head }) => head[0])).toEqual(Array.from({ length: 20 }, (_, i) => `topic-${i}`));
  });

  it("gives each request its own receipt out of one for many", async () => {
    const { gateway, shard } = await open();
    const answers = new Map<string, Copy>();
    for (const name of ["a", "b", "c", "d", "e"]) ask(gateway, answers, name);
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
    const { gateway, shard } = await open();
    const answers = new Map<string, Copy>();
    let calls = 0;
    gateway.request(Op.STATS, 0, packHead(["t"]), undefined, (answer) => {
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
    const { gateway, shard } = await open();
    const answers = new Map<string, Copy>();
    ask(gateway, answers, "long", Buffer.alloc(MAX_FRAME));
    for (let i = 0; i < 4; i++) ask(gateway, answers, `large-${i}`, entries(Buffer.alloc(25_000)));
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
    const { gateway, shard } = await open();
    const answers = new Map<string, Copy>();
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    let asked = 0;
    while (answers.size === 0) {
      ask(gateway, answers, `${asked}`, entries(Buffer.alloc(20_000)));
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
    ask(gateway, answers, "again");
    const [again] = await readOnce(shard);
    expect(again?.frames[0]?.head[0]).toBe("again");
  });

  it("answers the requests of a turn that fails, and goes on with the next", async () => {
    const errors: unknown[] = [];
    const { gateway, shard } = await open({ ...SILENT, error: (fields) => errors.push(fields) });
    const answers = new Map<string, Copy>();
    const fault = new Error("a bug on the way to a shard");
    vi.spyOn(gateway.connection, "receive").mockImplementationOnce(() => {
      throw fault;
    });
    for (const name of ["a", "b"]) ask(gateway, answers, name);
    ask(gateway, answers, "long", Buffer.alloc(MAX_FRAME));
    await until(() => answers.size === 3);
    expect([...answers].map(([name, { op, head }]) => [name, op, head[0]])).toEqual([
      ["a", Answer.ERROR, ERRORS.SHARD_RESTARTED.code],
      ["b", Answer.ERROR, ERRORS.SHARD_RESTARTED.code],
      ["long", Answer.ERROR, ERRORS.FRAME_TOO_LARGE.code],
    ]);
    expect(errors).toEqual([{ error: fault }]);
    ask(gateway, answers, "next");
    const [arrived] = await readOnce(shard);
    expect(arrived?.frames.map(({ head }) => head[0])).toEqual(["next"]);
  });

  it("answers the others when a handler throws", async () => {
    const errors: unknown[] = [];
    const { gateway, shard } = await open({ ...SILENT, error: (fields) => errors.push(fields) });
    const answers = new Map<string, Copy>();
    gateway.request(Op.STATS, 0, packHead(["bad"]), undefined, () => {
      throw new Error("a bug in a front end");
    });
    ask(gateway, answers, "good");
    const [{ envelope, frames } = { envelope: [], frames: [] }] = await readOnce(shard);
    for (const { request } of frames) shard.answer(envelope[1] ?? 0, frame(Answer.RESULT, request));
    await until(() => answers.size === 1);
    expect(errors).toHaveLength(1);
  });
});
