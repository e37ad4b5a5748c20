import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { ConnectionTrace } from "../../../src/main/tracing/connection-trace.js";
import type { Attributes, SpanStart } from "../../../src/main/tracing/spans.js";
import { Tracing } from "../../../src/main/tracing/tracing.js";
import { HAS_HEADERS } from "../../../src/protocol/entry.js";
import { packHeaders } from "../../../src/protocol/headers.js";
import { Answer, Op } from "../../../src/protocol/op.js";
import { KEY } from "../../../src/protocol/run.js";
import { frame } from "../frames.js";

const NOW = 1_700_000_000_000;

interface Seen extends SpanStart {
  ended?: Attributes;
  error?: string | undefined;
}

let spans: Seen[];
let tracing: Tracing;
let trace: ConnectionTrace;

beforeEach(() => {
  spans = [];
  const start = (begun: SpanStart) => {
    const seen: Seen = { ...begun };
    spans.push(seen);
    return {
      end: (attributes: Attributes, error?: { readonly type: string }) => {
        expect(seen.ended).toBeUndefined();
        seen.ended = attributes;
        seen.error = error?.type;
      },
    };
  };
  tracing = new Tracing({ start, close: () => Promise.resolve() }, () => NOW);
  onTestFinished(() => tracing.close());
  trace = new ConnectionTrace(tracing, "tcp somebody");
});

const viewOf = (bytes: Buffer): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
const send = (bytes: Buffer, shard = 0): void => trace.sent(shard, bytes, viewOf(bytes), 0, bytes.length);
const answer = (bytes: Buffer): void => trace.answered(bytes, viewOf(bytes), 0, bytes.length);

/** Entries of which each is of a part of a trace of its own. */
const traced = (count: number): Buffer =>
  Buffer.concat(
    Array.from({ length: count }, (_, i) => {
      const span = String(i + 1).padStart(16, "0");
      const headers = packHeaders({ traceparent: `00-${"a".repeat(32)}-${span}-01` });
      const entry = Buffer.concat([Buffer.alloc(6), headers, Buffer.from("x")]);
      entry.writeUInt32BE(HAS_HEADERS + entry.length - 4, 0);
      entry.writeUInt16BE(headers.length, 4);
      return entry;
    }),
  );

/** Messages from the id 2^32 + `idLow` on, under a lease of a second. */
const handedOut = (request: number, idLow: number, count: number, delivery: number): Buffer => {
  const entries = traced(count);
  const run = Buffer.alloc(KEY);
  run.writeUInt32BE(1, 0);
  run.writeUInt32BE(idLow, 4);
  run.writeUInt32BE(count, 8);
  run.writeUInt32BE(entries.length, 12);
  run.writeUInt32BE(delivery, 16);
  run.writeDoubleBE(NOW + 1_000, 24);
  return frame(Answer.MESSAGES, request, [], Buffer.concat([run, entries]));
};

const consume = (request: number): Buffer => frame(Op.CONSUME, request, ["t", "q", 10]);

describe("what of a connection is part of traces", () => {
  it("has 64 spans of a request at most, and 10,000 of what is not answered", () => {
    send(frame(Op.PUBLISH, 1, ["t"], traced(100)));
    expect(spans.length).toBe(64);
    for (let request = 2; request < 500; request++) send(frame(Op.PUBLISH, request, ["t"], traced(64)));
    expect(spans.length).toBe(10_000);
    trace.closed();
    expect(spans.every(({ error }) => error === "connection_closed")).toBe(true);
    expect(tracing.isFull).toBe(false);
  });

  it("shows no more of a name than a name may have, before a shard has refused it", () => {
    send(frame(Op.PUBLISH, 1, ["n".repeat(10_000)], traced(1)));
    expect(spans[0]?.name).toBe(`publish ${"n".repeat(255)}`);
  });

  it("ends with the shard that has it, and not with another", () => {
    send(frame(Op.PUBLISH, 1, ["t"], traced(1)), 0);
    send(frame(Op.PUBLISH, 2, ["t"], traced(1)), 1);
    send(consume(3), 0);
    send(consume(4), 1);
    answer(handedOut(3, 10, 1, 7));
    answer(handedOut(4, 20, 1, 8));
    trace.shardLost(1, { type: "SHARD_RESTARTED", text: "" });
    expect(spans.map(({ error }) => error)).toEqual([undefined, "SHARD_RESTARTED", undefined, "connection_closed"]);
    answer(handedOut(4, 30, 1, 9));
    expect(spans.length).toBe(4);
  });

  it("goes on for what a stopped consumer holds, and forgets consumers that hold nothing", () => {
    send(consume(1));
    answer(handedOut(1, 10, 1, 7));
    send(frame(Op.STOP, 2, ["t", "q", 1]));
    for (let request = 10; request < 1_000; request += 2) {
      send(consume(request));
      send(frame(Op.STOP, request + 1, ["t", "q", request]));
    }
    // Those that were stopped long ago are not known any more; the last few are.
    for (let request = 10; request < 1_000; request += 2) answer(handedOut(request, request, 1, request));
    expect(spans.length).toBeLessThan(1 + 64);
    answer(handedOut(1, 11, 1, 7));
    trace.closed();
    expect(spans.filter(({ ended }) => ended?.["ringmq.outcome"] !== "connection closed")).toEqual([]);
    expect(tracing.deliveries.size).toBe(0);
  });

  it("is nothing of answers to looks, and of a pop that was refused", () => {
    send(frame(Op.BROWSE, 1, ["t", "q"]));
    answer(handedOut(1, 10, 1, 7));
    send(frame(Op.POP, 2, ["t", "q"]));
    answer(frame(Answer.ERROR, 2, [19, "no topic"]));
    answer(handedOut(2, 10, 1, 7));
    expect(spans).toEqual([]);
  });
});
