/** What a connection sends when its lane is full: requests are refused, and what has no answer is heard. */
import { expect, it } from "vitest";
import { EnvelopeOp } from "../../src/channel/envelope.js";
import { ERRORS } from "../../src/protocol/errors.js";
import { Answer, Op, REPORTS } from "../../src/protocol/op.js";
import { readRuns } from "../../src/protocol/run.js";
import { SELECTION_BYTES, writeSelection } from "../../src/protocol/selection.js";
import { MAX_LANE_BYTES } from "../../src/workers/lanes.js";
import { encodeFrames, entries, type TestFrame } from "./frames.js";
import { type Answered, NOW, StallingJournal, TestShard } from "./test-shard.js";

const WORKER = 1;
const OTHER = 2;
const CONSUMER = 7;

const runsOf = (answers: readonly Answered[]) =>
  answers
    .filter(({ op }) => op === Answer.MESSAGES)
    .flatMap(({ payload }) => {
      const bytes = Buffer.from(payload, "latin1");
      return readRuns(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length);
    });

const publish = (topic: string, ...bodies: string[]): TestFrame => ({
  op: Op.PUBLISH,
  head: [topic],
  payload: entries(...bodies),
});

it("how far its program has come is heard, though the request beside it is refused", () => {
  // How long it takes to look at the clock: when that is long, a turn ends with each request that may have been.
  let pace = 0;
  let now = NOW;
  const clock = (): number => {
    now += pace;
    return now;
  };
  const shard = new TestShard({ openJournal: () => new StallingJournal(), clock });
  const ask = (connection: number, ...frames: readonly TestFrame[]): Answered[] => {
    shard.sendAs(connection, ...frames);
    shard.step();
    return shard.answers();
  };
  ask(OTHER, publish("t", "0", "1", "2", "3", "4"));
  const [run] = runsOf(ask(WORKER, { op: Op.CONSUME, request: CONSUMER, flags: REPORTS, head: ["t", "", 10] }));
  if (run === undefined) throw new Error("no message has come");

  const payload = new Uint8Array(SELECTION_BYTES);
  writeSelection(new DataView(payload.buffer), 0, run.idHigh, run.idLow + 1, 1, run.delivery);
  const stats: TestFrame = { op: Op.STATS, request: 8, head: ["t"] };
  const large = (bytes: number): TestFrame => ({ ...publish("u", "x".repeat(bytes)), request: 9 });
  shard.sendAs(WORKER, stats, large(MAX_LANE_BYTES - encodeFrames([large(0)]).length));
  shard.sendAs(WORKER, { op: Op.SEEN, request: 0, head: ["t", "", CONSUMER], payload }, { ...stats, request: 10 });
  pace = 3;
  shard.step();
  expect(shard.answers().filter(({ op }) => op === Answer.ERROR)).toMatchObject([
    { request: 10, head: [ERRORS.BUSY.code, expect.stringContaining("wait for answers"), true, false] },
  ]);

  pace = 0;
  shard.tell(EnvelopeOp.DISCONNECT, WORKER);
  shard.step();
  const retries = runsOf(ask(OTHER, { op: Op.POP, request: 3, head: ["t", "", 10] })).map(({ count, retry }) => [
    count,
    retry,
  ]);
  // It was handed the first two, and has failed on them; what it was not handed comes before them, as it was.
  expect(retries).toEqual([
    [3, 0],
    [2, 1],
  ]);
});
