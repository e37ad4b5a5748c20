/** What a shard takes while its journal stands still, and what comes of it when the journal goes on. */
import { beforeEach, describe, expect, it } from "vitest";
import { EnvelopeOp } from "../../src/channel/envelope.js";
import { ERRORS } from "../../src/protocol/errors.js";
import { Answer, Op } from "../../src/protocol/op.js";
import * as runs from "../../src/protocol/run.js";
import { SELECTION_BYTES, writeSelection } from "../../src/protocol/selection.js";
import { entries, type TestFrame } from "./frames.js";
import { StallingJournal, TestShard } from "./test-shard.js";

const TTR = 30_000;
const MEGABYTE = 1024 * 1024;

let journal: StallingJournal;
let shard: TestShard;
let notices: number;

beforeEach(() => {
  journal = new StallingJournal();
  notices = 0;
  shard = new TestShard({ openJournal: () => journal, onNotice: () => notices++ });
  shard.ask(
    { op: Op.CONFIGURE, head: ["stored", { ttr: TTR }] },
    { op: Op.CONFIGURE, head: ["fleeting", { durability: "memory" }] },
    { op: Op.PUBLISH, head: ["stored"], payload: entries("one", "two", "three", "four") },
    { op: Op.DECLARE_QUEUE, head: ["stored", "spare"] },
  );
});

/** Stops the journal while so many bodies of so many bytes are on their way to it. */
const stall = (bodies: number, bytes: number): void => {
  journal.isFull = true;
  const payload = entries("x".repeat(bytes));
  for (let i = 1; i <= bodies; i++) shard.sendAs(9, { op: Op.PUBLISH, request: i, head: ["big"], payload });
  shard.step();
  expect(shard.answers()).toEqual([]);
};
const stallPastFirstBound = (): void => stall(5, 4 * MEGABYTE);
const stallPastSecondBound = (): void => stall(8, 4.1 * MEGABYTE);

const goOn = (): void => {
  journal.isFull = false;
  shard.now += 100;
  shard.step();
};

/** What comes of a request at once. */
const ask = (frame: TestFrame): "waits" | "refused" | number => {
  const [answer] = shard.ask(frame);
  if (answer === undefined) return "waits";
  return answer.op === Answer.ERROR && answer.head[0] === ERRORS.DISK_FULL.code ? "refused" : answer.op;
};

const pop = (topic: string, wait = 0, request = 2): TestFrame => ({ op: Op.POP, request, head: [topic, "", 1, wait] });

/** Pops a message of the topic on disk, and selects it. */
const popped = (): Uint8Array => {
  const [answer] = shard.ask(pop("stored"));
  const bytes = Buffer.from(answer?.payload ?? "", "latin1");
  const selection = new Uint8Array(SELECTION_BYTES);
  const ids = [bytes.readUInt32BE(runs.FIRST_ID_HIGH), bytes.readUInt32BE(runs.FIRST_ID_LOW)] as const;
  writeSelection(new DataView(selection.buffer), 0, ...ids, 1, bytes.readUInt32BE(runs.DELIVERY));
  return selection;
};

const STATS: TestFrame = { op: Op.STATS, request: 3, head: ["stored"] };
const RECORDS: readonly TestFrame[] = [
  { op: Op.PAUSE, request: 4, head: ["stored", "spare"] },
  { op: Op.DECLARE_QUEUE, request: 5, head: ["stored", "another"] },
  { op: Op.CONFIGURE, request: 6, head: ["stored", { retries: 1 }] },
  { op: Op.CONFIGURE_CHANNEL, request: 7, head: ["c", { keep: true }] },
];
const FREES: readonly TestFrame[] = [
  { op: Op.PURGE, request: 8, head: ["stored", "default", "ready"] },
  { op: Op.DELETE_QUEUE, request: 9, head: ["stored", "spare"] },
  { op: Op.DELETE_TOPIC, request: 10, head: ["big"] },
];
const ackOf = (selection: Uint8Array): TestFrame => ({
  op: Op.ACK,
  request: 20,
  head: ["stored"],
  payload: selection,
});

/** Looks, topics in memory, messages on disk, news of jobs and pins. */
const expectToGoOn = (): void => {
  expect(ask(STATS)).toBe(Answer.RESULT);
  expect(ask({ op: Op.TOPICS, request: 3, head: [0] })).toBe(Answer.RESULT);
  expect(ask({ op: Op.BROWSE, request: 3, head: ["big", "default", "ready", 0, 1] })).toBe(Answer.MESSAGES);
  expect(ask({ op: Op.PUBLISH, request: 3, head: ["fleeting"], payload: entries("hello") })).toBe(Answer.CONFIRM);
  expect(ask(pop("fleeting"))).toBe(Answer.MESSAGES);
  expect(ask(pop("stored"))).toBe(Answer.MESSAGES);
  expect(ask({ op: Op.PUBLISH, request: 3, head: ["stored"], payload: entries("five") })).toBe("refused");
  shard.tell(EnvelopeOp.NOTICE, 0);
  shard.step();
  expect(notices).toBe(1);
};

describe("while little waits for the journal", () => {
  it("takes all but publishes; what makes a record is confirmed when the journal goes on", () => {
    const ack = ackOf(popped());
    stall(1, 100);
    // Longer than ids were reserved for.
    shard.now += 10_000;
    expectToGoOn();
    for (const frame of [ack, ...RECORDS, ...FREES]) expect(ask(frame)).toBe("waits");
    goOn();
    const answers = shard.answers().filter(({ connection }) => connection === 1);
    expect(answers.map(({ op }) => op)).not.toContain(Answer.ERROR);
    expect(answers.filter(({ op }) => op === Answer.RESULT).map(({ request }) => request)).toEqual([6, 7]);
  });

  it("answers a pop whose message is not on disk when it is", () => {
    stall(1, 100);
    expect(ask(pop("big"))).toBe("waits");
    goOn();
    expect(shard.ops()).toEqual([Answer.CONFIRM, Answer.MESSAGES]);
  });
});

describe("when much waits for the journal", () => {
  it("goes on with what needs no record, takes what frees space, and refuses other records", () => {
    const ack = ackOf(popped());
    stallPastFirstBound();
    expectToGoOn();
    for (const frame of RECORDS) expect(ask(frame)).toBe("refused");
    for (const frame of [ack, ...FREES]) expect(ask(frame)).toBe("waits");
    goOn();
    expect(shard.ops().filter((op) => op !== Answer.CONFIRM)).toEqual([]);
    expect(ask({ op: Op.CONFIGURE, request: 6, head: ["stored", { retries: 1 }] })).toBe(Answer.RESULT);
  });

  it("keeps messages in their queues whose delivery would wait, and says so to those who do not wait", () => {
    stallPastFirstBound();
    expect(ask(pop("big"))).toBe("refused");
    expect(ask({ op: Op.CONSUME, request: 7, head: ["big", "", 1] })).toBe(Answer.CONFIRM);
    expect(ask(pop("big", 60_000, 8))).toBe("waits");
    goOn();
    for (let i = 0; i < 3; i++) shard.step();
    const answers = shard.answers().filter(({ connection }) => connection === 1);
    expect(answers.map(({ op, request }) => [op, request])).toEqual([
      [Answer.MESSAGES, 7],
      [Answer.MESSAGES, 8],
    ]);
  });

  it("keeps auto-acked messages and dead letters as well", () => {
    shard.ask({ op: Op.NACK, head: ["stored", "", 0, true], payload: popped() });
    shard.ask(
      { op: Op.CONFIGURE, head: ["auto", { autoAck: true }] },
      { op: Op.PUBLISH, head: ["auto"], payload: entries("message") },
    );
    stallPastFirstBound();
    expect(ask(pop("auto"))).toBe("refused");
    expect(ask({ op: Op.POP_DEAD, request: 2, head: ["stored"] })).toBe("refused");
    goOn();
    shard.answers();
    expect(ask(pop("auto"))).toBe(Answer.MESSAGES);
    expect(ask({ op: Op.POP_DEAD, request: 2, head: ["stored"] })).toBe(Answer.MESSAGES);
  });

  it("ends no lease, because the record of that would wait; a late ack still counts", () => {
    const ack = ackOf(popped());
    popped();
    stallPastFirstBound();
    shard.now += 2 * TTR;
    shard.step();
    expect(ask(ack)).toBe("waits");
    goOn();
    expect(shard.ops()).not.toContain(Answer.SETTLED);
    // The other one comes back now, behind those that were never delivered.
    shard.now += 1_000;
    shard.step();
    const [messages] = shard.ask({ op: Op.POP, request: 2, head: ["stored", "", 10] });
    expect(messages?.payload).toMatch(/three.*four.*two/s);
  });
});

describe("when too much waits for the journal", () => {
  it("refuses acks, purges and deletions too, and takes them when it goes on", () => {
    const ack = ackOf(popped());
    stallPastSecondBound();
    expectToGoOn();
    for (const frame of [ack, ...RECORDS, ...FREES]) expect(ask(frame)).toBe("refused");
    goOn();
    shard.answers();
    for (const frame of [ack, ...FREES]) expect(ask(frame)).toBe(Answer.CONFIRM);
  });

  it("takes those of topics in memory", () => {
    shard.ask({ op: Op.PUBLISH, head: ["fleeting"], payload: entries("hello") });
    stallPastSecondBound();
    expect(ask({ op: Op.PURGE, request: 3, head: ["fleeting"] })).toBe(Answer.CONFIRM);
  });

  it("stops all the same when it is told to", () => {
    stallPastSecondBound();
    shard.stop();
    for (let i = 0; i < 3; i++) shard.step();
    expect(shard.pump.isOver).toBe(true);
    shard.pump.end();
    expect(journal.isClosed).toBe(true);
  });
});
