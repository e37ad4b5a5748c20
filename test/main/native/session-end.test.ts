import { describe, expect, it } from "vitest";
import { EnvelopeOp } from "../../../src/channel/envelope.js";
import { SILENT } from "../../../src/main/log.js";
import type { AnswerFrame } from "../../../src/main/native/answer-frame.js";
import { ChannelProgress } from "../../../src/main/native/channel-progress.js";
import type { SubscribeOptions } from "../../../src/main/native/session-pushes.js";
import { ERRORS } from "../../../src/protocol/errors.js";
import { packHead } from "../../../src/protocol/head.js";
import { Answer, Op } from "../../../src/protocol/op.js";
import { entries, frame } from "../frames.js";
import { until } from "../switchboard.js";
import {
  arrivals,
  ask,
  type Copy,
  confirm,
  copyOf,
  MAX_FRAME,
  messages,
  openSession,
  PausableClient,
  readOnce,
  TestClient,
} from "../test-session.js";

/** One whose socket has something left to send when it is ended. */
class LingeringClient extends TestClient {
  override end(): void {
    this.ends.push("end");
  }
}

describe("a client that goes", () => {
  it("has each handler called once, with an error", async () => {
    const { session, shard } = await openSession();
    const answers: (readonly unknown[])[] = [];
    for (let i = 0; i < 3; i++) {
      session.request(Op.STATS, 0, packHead(["t"]), undefined, (answer) => answers.push([i, copyOf(answer).head[0]]));
    }
    await readOnce(shard);
    session.closed();
    session.request(Op.STATS, 0, packHead(["t"]), undefined, (answer) => answers.push([3, copyOf(answer).head[0]]));
    await until(() => answers.length === 4);
    expect(answers).toEqual([0, 1, 2, 3].map((i) => [i, ERRORS.SHUTTING_DOWN.code]));
  });

  it("has what it asked for in its last turn carried out", async () => {
    const { session, shard } = await openSession();
    ask(session, new Map(), "last words");
    session.closed();
    const arrived = await arrivals(shard, 2);
    expect(arrived.map(({ envelope: [op] }) => op)).toEqual([EnvelopeOp.FRAMES, EnvelopeOp.DISCONNECT]);
    expect(arrived[0]?.frames[0]?.head[0]).toBe("last words");
  });

  it("leaves nothing behind when no pop of it is unanswered", async () => {
    const { board, session, sessions, shard } = await openSession();
    session.request(Op.STATS, 0, packHead(["t"]), undefined, () => {});
    await readOnce(shard);
    session.closed();
    expect([board.connections.size, sessions.size]).toEqual([0, 0]);
  });

  it("gives back what its pops bring too late, and is forgotten when nothing more can come", async () => {
    const { board, session, sessions, shard } = await openSession();
    let calls = 0;
    session.pop("topic", "queue", { wait: 60_000 }, () => calls++);
    session.pop("topic", "queue", { wait: 60_000 }, () => calls++);
    const [{ frames: pops } = { frames: [] }] = await readOnce(shard);
    session.closed();
    expect([calls, sessions.size, board.connections.size]).toEqual([2, 0, 1]);
    const [disconnect, fence] = await arrivals(shard, 2);
    expect(disconnect?.envelope).toEqual([EnvelopeOp.DISCONNECT, session.id]);
    expect(fence?.frames.map(({ op, head, payload }) => [op, head, payload.length])).toEqual([
      [Op.ACK, ["topic", "queue"], 0],
    ]);
    // It had been taken before the shard heard of the end; of the other there was nothing.
    shard.answer(session.id, messages(pops[0]?.request ?? 0, "late", 9), messages(pops[1]?.request ?? 0, "gone", 0));
    const [back] = await arrivals(shard, 1);
    expect(back?.frames.map(({ op, head }) => [op, head])).toEqual([[Op.RELEASE, ["topic", "queue"]]]);
    expect(back?.frames[0]?.payload.toString("hex")).toBe("0000004d000000050000000100000009");
    shard.answer(session.id, confirm(fence?.frames[0]?.request ?? 0));
    expect((await arrivals(shard, 1))[0]?.envelope).toEqual([EnvelopeOp.DISCONNECT, session.id]);
    expect(board.connections.size).toBe(0);
  });

  it("gives back what its pops have brought while earlier answers were missing", async () => {
    const { session, shard } = await openSession(SILENT, { inOrder: true });
    const ops: number[] = [];
    const note = ({ op }: AnswerFrame): void => void ops.push(op);
    session.request(Op.STATS, 0, packHead(["t"]), undefined, note);
    session.pop("topic", "queue", {}, note);
    const [{ frames } = { frames: [] }] = await readOnce(shard);
    shard.answer(session.id, messages(frames[1]?.request ?? 0, "early", 9));
    await until(() => session.inFlight === 1);
    session.closed();
    expect(ops).toEqual([Answer.ERROR, Answer.ERROR]);
    const arrived = (await arrivals(shard, 3)).flatMap(({ frames }) => frames);
    expect(arrived.map(({ op, head }) => [op, head])).toEqual([
      [Op.ACK, ["topic", "queue"]],
      [Op.RELEASE, ["topic", "queue"]],
    ]);
    expect(arrived[1]?.payload.toString("hex")).toBe("0000004d000000050000000100000009");
  });

  it("gives back what comes beside the answer that made the front end close", async () => {
    const client = new LingeringClient();
    const { session, shard } = await openSession(SILENT, {}, client);
    session.request(Op.STATS, 0, packHead(["t"]), undefined, () => session.close());
    session.pop("topic", "queue", {}, () => {});
    const [{ frames } = { frames: [] }] = await readOnce(shard);
    const [stats = 0, pop = 0] = frames.map(({ request }) => request);
    shard.answer(session.id, frame(Answer.RESULT, stats, [], Buffer.from("x")), messages(pop, "beside", 9));
    const arrived = (await arrivals(shard, 3)).flatMap(({ frames }) => frames);
    expect(arrived.map(({ op }) => op)).toEqual([Op.ACK, Op.RELEASE]);
  });

  it("closes when its last answer is a refusal of the broker's own", async () => {
    const { session, client } = await openSession(SILENT, { inOrder: true });
    let calls = 0;
    session.request(Op.PUBLISH, 0, packHead(["t"]), Buffer.alloc(MAX_FRAME), () => calls++);
    session.end();
    await until(() => client.ends.length > 0);
    expect([calls, client.ends]).toEqual([1, ["end"]]);
  });

  it("is forgotten when the shard that could still answer is lost", async () => {
    const { board, session, connection, shard } = await openSession();
    session.pop("topic", "", {}, () => {});
    await readOnce(shard);
    session.closed();
    expect(board.connections.size).toBe(1);
    connection.shardLost(0, "SHARD_RESTARTED");
    expect(board.connections.size).toBe(0);
  });

  it("is told of a pop apart from the others as soon as it is answered, and not held up by it", async () => {
    const { session, shard } = await openSession(SILENT, { inOrder: true });
    const seen: string[] = [];
    session.request(Op.STATS, 0, packHead(["t"]), undefined, ({ op }) => void seen.push(`first ${op}`));
    session.pop("topic", "", { wait: 1_000, isApart: true }, ({ op }) => void seen.push(`apart ${op}`));
    session.pop("topic", "", { wait: 1_000, isApart: true }, ({ op }) => void seen.push(`gone ${op}`));
    expect([session.isBlocked, session.isWaiting]).toEqual([false, false]);
    const [{ frames } = { frames: [] }] = await readOnce(shard);
    shard.answer(session.id, messages(frames[1]?.request ?? 0, "early", 9));
    await until(() => seen.length > 0);
    expect(seen).toEqual([`apart ${Answer.MESSAGES}`]);
    session.closed();
    // What is on its way to the other is given back.
    shard.answer(session.id, messages(frames[2]?.request ?? 0, "late", 9));
    const ops = (await arrivals(shard, 3)).flatMap((record) => record.frames).map(({ op }) => op);
    expect(ops).toContain(Op.RELEASE);
    expect(seen.slice(1).toSorted()).toEqual([`first ${Answer.ERROR}`, `gone ${Answer.ERROR}`]);
  });

  it("that has only ended its input is answered first", async () => {
    const { session, shard, client } = await openSession(SILENT, { inOrder: true });
    const answers = new Map<string, Copy>();
    const request = ask(session, answers, "a");
    session.end();
    await readOnce(shard);
    expect(client.ends).toEqual([]);
    shard.answer(session.id, confirm(request));
    await until(() => client.ends.length > 0);
    expect([answers.size, client.ends]).toEqual([1, ["end"]]);
  });
});

const DROPPING = { overflow: "drop-oldest" } as const;

describe("pushes", () => {
  it("go to whoever consumes, in whichever order they come beside answers", async () => {
    const { session, shard } = await openSession(SILENT, { inOrder: true });
    const seen: (readonly [string, number])[] = [];
    const note = (who: string) => (answer: AnswerFrame) => void seen.push([who, answer.op]);
    const consumer = session.pushes.consume("t", "", { credit: 5, renew: true }, note("confirmed"), note("pushed"));
    session.pushes.subscribe("news", DROPPING, note("subscribed"), note("news"));
    session.pushes.credit("t", "", consumer, 3);
    const [{ frames } = { frames: [] }] = await readOnce(shard);
    expect(frames.map(({ op, flags, request, head }) => [op, flags, request, head])).toEqual([
      [Op.CONSUME, 1, consumer, ["t", "", 5]],
      [Op.SUBSCRIBE, 0, consumer + 1, ["news", "drop-oldest"]],
      [Op.CREDIT, 0, 0, ["t", "", consumer, 3]],
    ]);
    shard.answer(session.id, messages(consumer, "early"), confirm(consumer), messages(consumer, "x"));
    shard.answer(session.id, confirm(consumer + 1));
    shard.fanOut([session.id], frame(Answer.CHANNEL_MESSAGES, 0, ["news"]), frame(Answer.CHANNEL_LOST, 0, ["news", 2]));
    shard.answer(session.id, frame(Answer.CONSUMER_CLOSED, consumer, [1, "deleted"]), messages(consumer, "late"));
    await until(() => seen.length === 7);
    expect(seen).toEqual([
      ["pushed", Answer.MESSAGES],
      ["confirmed", Answer.CONFIRM],
      ["pushed", Answer.MESSAGES],
      ["subscribed", Answer.CONFIRM],
      ["news", Answer.CHANNEL_MESSAGES],
      ["news", Answer.CHANNEL_LOST],
      ["pushed", Answer.CONSUMER_CLOSED],
    ]);
  });

  it("of a channel begin and go on where their subscriber says, as far as its credit goes", async () => {
    const { session, shard } = await openSession();
    const progress = new ChannelProgress();
    const seen: string[] = [];
    const subscribe = (options: SubscribeOptions): void =>
      session.pushes.subscribe(
        "news",
        options,
        (answer) => {
          progress.begun(answer);
          seen.push(`${progress.epoch} ${progress.position}`);
        },
        (push) => {
          progress.advance(push);
          seen.push(`${push.op} ${progress.position}`);
        },
      );
    const resulting = (request: number, result: object): Buffer =>
      frame(Answer.RESULT, request, [], packHead([result]));
    const sent = async () => (await readOnce(shard)).flatMap(({ frames }) => frames);

    subscribe({ overflow: "block", from: "start", position: undefined, credit: 10 });
    session.pushes.channelCredit("news", 3);
    const [first, credit] = await sent();
    expect(first?.head).toEqual(["news", "block", { from: "start", credit: 10 }]);
    expect([credit?.op, credit?.request, credit?.head]).toEqual([Op.CHANNEL_CREDIT, 0, ["news", 3]]);
    shard.answer(session.id, resulting(first?.request ?? 0, { subscribers: 1, epoch: "77", position: 5, kept: true }));
    shard.fanOut([session.id], frame(Answer.CHANNEL_MESSAGES, 0, ["news", 6, 1, 2], entries("a", "b")));
    // The shard has restarted.
    shard.answer(session.id, frame(Answer.CONSUMER_CLOSED, first?.request ?? 0, [28, "restarted"]));
    await until(() => seen.length === 3);
    expect(seen).toEqual(["77 5", `${Answer.CHANNEL_MESSAGES} 8`, `${Answer.CONSUMER_CLOSED} 8`]);
    subscribe({ overflow: "block", ...progress.resumption });
    expect((await sent())[0]?.head).toEqual(["news", "block", { position: 8, epoch: "77" }]);
  });

  it("go on to whoever had subscribed when another subscription is refused", async () => {
    const { session, shard } = await openSession();
    const seen: string[] = [];
    const note = (who: string) => (): void => void seen.push(who);
    session.pushes.subscribe("news", DROPPING, note("confirmed"), note("first"));
    const [
      {
        frames: [first],
      } = { frames: [] },
    ] = await readOnce(shard);
    shard.answer(session.id, confirm(first?.request ?? 0));
    await until(() => seen.length === 1);
    session.pushes.subscribe("news", DROPPING, note("refused"), note("second"));
    const [
      {
        frames: [second],
      } = { frames: [] },
    ] = await readOnce(shard);
    shard.answer(session.id, frame(Answer.ERROR, second?.request ?? 0, [ERRORS.BUSY.code, "not now"]));
    shard.fanOut([session.id], frame(Answer.CHANNEL_MESSAGES, 0, ["news"]));
    await until(() => seen.length === 3);
    expect(seen).toEqual(["confirmed", "refused", "first"]);
  });

  it("are held back by the client's own socket, and come again when it has drained", async () => {
    const client = new PausableClient();
    const { session, shard } = await openSession(SILENT, {}, client);
    const consumer = session.pushes.consume(
      "t",
      "",
      { credit: 5 },
      () => {},
      () => {},
    );
    await readOnce(shard);
    shard.answer(session.id, confirm(consumer));
    await until(() => session.inFlight === 0);
    client.unsent = 1024 * 1024;
    shard.answer(session.id, messages(consumer, "x"));
    expect((await arrivals(shard, 1))[0]?.envelope).toEqual([EnvelopeOp.HOLD, session.id]);
    expect(client.isPaused).toBe(true);
    client.unsent = 0;
    session.drained();
    expect((await arrivals(shard, 1))[0]?.envelope).toEqual([EnvelopeOp.UNHOLD, session.id]);
    expect(client.isPaused).toBe(false);
  });

  it("are let go again when what waited for an earlier answer has been handed over", async () => {
    const client = new PausableClient();
    const { session, shard } = await openSession(SILENT, { inOrder: true }, client);
    for (let i = 0; i < 3; i++) session.request(Op.STATS, 0, packHead(["t"]), undefined, () => {});
    const [{ frames } = { frames: [] }] = await readOnce(shard);
    const answer = (i: number, bytes: number) =>
      shard.answer(session.id, frame(Answer.RESULT, frames[i]?.request ?? 0, [], Buffer.alloc(bytes)));
    answer(1, 40_000);
    await until(() => session.inFlight === 2);
    answer(2, 40_000);
    expect((await arrivals(shard, 1))[0]?.envelope).toEqual([EnvelopeOp.HOLD, session.id]);
    answer(0, 1);
    expect((await arrivals(shard, 1))[0]?.envelope).toEqual([EnvelopeOp.UNHOLD, session.id]);
    expect(client.isPaused).toBe(false);
  });

  it("that the client does not take by far cut it off", async () => {
    const client = new PausableClient();
    const { session, shard, sessions } = await openSession(SILENT, {}, client);
    const consumer = session.pushes.consume(
      "t",
      "",
      { credit: 5 },
      () => {},
      () => {},
    );
    await readOnce(shard);
    client.unsent = 100 * 1024 * 1024;
    shard.answer(session.id, messages(consumer, "x"));
    await until(() => client.ends.length > 0);
    expect([client.ends, sessions.size]).toEqual([["destroy"], 0]);
  });
});

describe("the sweep", () => {
  it("drives heartbeats, and closes sessions whose clients are silent", async () => {
    const { sessions, session, client } = await openSession();
    const start = Math.ceil(performance.now());
    let beats = 0;
    session.heartbeat(5_000, () => beats++);
    session.expireAfter(30_000);
    for (let second = 1; second <= 12; second++) sessions.sweep(start + second * 1_000);
    expect(beats).toBe(2);
    session.heard();
    for (let second = 13; second <= 42; second++) sessions.sweep(start + second * 1_000);
    expect(client.ends).toEqual([]);
    sessions.sweep(start + 43_000);
    expect(client.ends).toEqual(["destroy"]);
  });

  it("goes on with the other sessions when a heartbeat throws, whose session is closed", async () => {
    const { sessions, session, client, add } = await openSession();
    const other = new TestClient();
    let beats = 0;
    session.heartbeat(0, () => {
      throw new Error("a bug in a front end");
    });
    add(other).heartbeat(0, () => beats++);
    sessions.sweep(performance.now() + 1_000);
    expect([client.ends, beats]).toEqual([["destroy"], 1]);
  });
});
