/** No answer leaves before what it promises is true: asserted whenever answers leave, whatever has gone wrong before. */
import { beforeEach, describe, expect, it } from "vitest";
import { Answer, Durability, GIVE_BACK, Op, REPORTS } from "../../src/protocol/op.js";
import * as runs from "../../src/protocol/run.js";
import { SELECTION_BYTES, writeSelection } from "../../src/protocol/selection.js";
import type { Shard } from "../../src/shard/shard.js";
import { entries, type TestFrame } from "./frames.js";
import { StallingJournal, TestShard } from "./test-shard.js";

let journal: StallingJournal;
let core: Shard;
let shard: TestShard;

beforeEach(() => {
  journal = new StallingJournal();
  shard = new TestShard({
    openJournal: (opened) => {
      core = opened;
      return journal;
    },
  });
});

const publish: TestFrame = { op: Op.PUBLISH, head: ["t"], payload: entries("message") };

/** The message that was popped last: the two halves of its id. */
let popped: readonly [number, number] = [0, 0];

const pop = (): void => {
  const [{ payload } = { payload: "" }] = shard.ask({ op: Op.POP, head: ["t"] });
  const bytes = Buffer.from(payload, "latin1");
  popped = [bytes.readUInt32BE(runs.FIRST_ID_HIGH), bytes.readUInt32BE(runs.FIRST_ID_LOW)];
};

const selection = (idHigh: number, idLow: number): Uint8Array => {
  const bytes = new Uint8Array(SELECTION_BYTES);
  writeSelection(new DataView(bytes.buffer), 0, idHigh, idLow, 1, 0);
  return bytes;
};
const selected = (): Uint8Array => selection(...popped);
const unknown = (): Uint8Array => selection(1, 1);

/** Requests that make records, and what has to be there before. */
const REQUESTS: readonly [string, () => void, () => TestFrame][] = [
  ["a publish", () => {}, () => publish],
  ["an ack", pop, () => ({ op: Op.ACK, head: ["t"], payload: selected() })],
  [
    "an ack of which part was settled",
    pop,
    () => ({ op: Op.ACK, head: ["t"], payload: Buffer.concat([selected(), unknown()]) }),
  ],
  ["a delayed nack", pop, () => ({ op: Op.NACK, head: ["t", "", 1000], payload: selected() })],
  ["a purge", () => {}, () => ({ op: Op.PURGE, head: ["t"] })],
  ["a pause", () => {}, () => ({ op: Op.PAUSE, head: ["t"] })],
  ["a resume", () => void shard.ask({ op: Op.PAUSE, head: ["t"] }), () => ({ op: Op.RESUME, head: ["t"] })],
  ["a deletion of a queue", () => {}, () => ({ op: Op.DELETE_QUEUE, head: ["t", "default"] })],
  ["a deletion of a topic", () => {}, () => ({ op: Op.DELETE_TOPIC, head: ["t"] })],
  ["a configuration", () => {}, () => ({ op: Op.CONFIGURE, head: ["t", { retries: 1 }] })],
  ["a declaration", () => {}, () => ({ op: Op.DECLARE_QUEUE, head: ["t", "key"] })],
  ["a configuration of a channel", () => {}, () => ({ op: Op.CONFIGURE_CHANNEL, head: ["c", { keep: true }] })],
];

describe("the pump ends", () => {
  it.each(REQUESTS)("rather than promise %s whose records have asked for no sync", (_name, prepare, request) => {
    shard.ask(publish);
    prepare();
    Object.defineProperty(core.store.log, "demand", { get: () => Durability.write, set: () => {} });
    expect(() => shard.ask(request())).toThrow("promises a sync");
    expect(shard.answers()).toEqual([]);
  });

  it("rather than send answers after a commit that has made nothing durable", () => {
    journal.commit = (log) => log.position;
    expect(() => shard.ask(publish)).toThrow("rests on position");
    expect(shard.answers()).toEqual([]);
  });

  it("rather than send at once what is not durable", () => {
    Object.defineProperty(core.store, "isDurable", { get: () => true });
    expect(() => shard.ask(publish)).toThrow("rests on position");
  });
});

it("promises of messages that expire when they are given back what their topic does", () => {
  const consume: TestFrame = { op: Op.CONSUME, request: 2, flags: REPORTS, head: ["t", "", 1] };
  shard.ask({ op: Op.CONFIGURE, head: ["t", { durability: "write" }] });
  shard.ask({ op: Op.PUBLISH, head: ["t", "", 0, 50], payload: entries("message") });
  shard.ask(consume);
  shard.now += 100;
  const { position } = core.store.log;
  const stop: TestFrame = { op: Op.STOP, request: 3, flags: GIVE_BACK, head: ["t", "", 2] };
  expect(shard.ask(stop).map(({ op }) => op)).toEqual([Answer.CONFIRM]);
  expect(core.store.log.position).toBeGreaterThan(position);
});

it("promises nothing of what other topics have not asked for, if a request makes no record", () => {
  const written: TestFrame = { op: Op.PUBLISH, head: ["written"], payload: entries("message") };
  const purge: TestFrame = { op: Op.PURGE, request: 2, head: ["t"] };
  shard.ask({ op: Op.CONFIGURE, head: ["written", { durability: "write" }] }, written, publish);
  shard.ask(purge);
  // The purge waits for what is before it, which is written and not synced.
  const answers = shard.ask(written, purge);
  expect(answers.map(({ op }) => op)).toEqual([Answer.CONFIRM, Answer.CONFIRM]);
  expect(journal.synced).toBeLessThan(core.store.log.durable);
});
