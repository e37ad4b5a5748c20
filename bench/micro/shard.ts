/**
 * The core of a shard by itself, on one thread: nanoseconds a message for publishing and for delivering and acking,
 * first in an idle shard, then beside a million messages whose delays lie in the next year.
 *
 *     node build/bench/micro/shard.js
 */
import { FrameWriter } from "#protocol/frame.js";
import { packHead } from "#protocol/head.js";
import { Op } from "#protocol/op.js";
import * as selection from "#protocol/selection.js";
import type { Run } from "#shard/effects.js";
import { localIdSource } from "#shard/messages/id-allocator.js";
import { Shard } from "#shard/shard.js";
import { CommandDecoder } from "#workers/command-decoder.js";
import { SilentEffects } from "./silent-effects.js";

const BODY = 128;
const BATCH = 200;
const MESSAGES = 1_000_000;
const TIMERS = 1_000_000;
const ROUNDS = 5;
const YEAR = 365 * 24 * 3600 * 1000;
const CREDIT = 20_000;
const CONNECTION = 1;

/** Counts what is delivered and notes it for the ack. */
class Counter extends SilentEffects {
  delivered = 0;
  readonly selections = new FrameWriter();

  override run(run: Readonly<Run>): void {
    const { selections } = this;
    this.delivered += run.count;
    selections.reserve(selection.SELECTION_BYTES);
    selection.writeSelection(selections.view, selections.end, run.idHigh, run.idLow, run.count, run.delivery);
    selections.end += selection.SELECTION_BYTES;
  }

  override settled(): void {
    throw new Error("an ack was refused");
  }
}

const effects = new Counter();
let now = Date.UTC(2026, 0, 1);
const shard = new Shard({
  effects,
  ids: localIdSource(0),
  node: 1,
  limits: { maxTopics: 10, maxQueues: 10, maxConsumers: 10 },
  memoryBytes: 16 * 1024 ** 3,
  now,
});
const decoder = new CommandDecoder(
  { maxMessageBytes: 1024 * 1024, maxFrameBytes: 2 * 1024 * 1024, maxBatchMessages: 4096, maxNameBytes: 255 },
  (command) => shard.apply(command, now),
  (_connection, _request, error) => {
    throw error;
  },
);

/** Frames that publish `frames` × `messages` bodies. */
const publishing = (frames: number, messages: number): Uint8Array => {
  const writer = new FrameWriter();
  const head = packHead(["bench"]);
  for (let i = 0; i < frames; i++) {
    writer.open(Op.PUBLISH, 0, i + 1, head);
    for (let j = 0; j < messages; j++) {
      writer.reserve(4 + BODY);
      writer.view.setUint32(writer.end, BODY);
      writer.end += 4 + BODY;
    }
    writer.close();
  }
  return writer.bytes.slice(0, writer.end);
};

const time = (work: () => void): number => {
  const start = performance.now();
  work();
  return ((performance.now() - start) * 1e6) / MESSAGES;
};

/** Publishes MESSAGES in chunks of as many messages as `chunk` has. */
const publish = (chunk: Uint8Array, messages: number): number => {
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
  return time(() => {
    for (let sent = 0; sent < MESSAGES; sent += messages) {
      now += 0.05;
      decoder.decode(CONNECTION, chunk, view, 0, chunk.length);
    }
  });
};

const deliver = (): number => {
  const goal = effects.delivered + MESSAGES;
  return time(() => {
    while (effects.delivered < goal) {
      now += 0.05;
      shard.turn(now);
      const { bytes, view, end } = effects.selections;
      const slice = { bytes, view, start: 0, end };
      shard.apply({ op: "ack", connection: CONNECTION, request: 1, topic: "bench", queue: "default", ...slice }, now);
      effects.selections.clear();
    }
  });
};

const delayMessages = (): void => {
  const bytes = new Uint8Array(4 + BODY);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, BODY);
  for (let i = 0; i < TIMERS; i++) {
    // Spread over the year, none due while this runs.
    const delay = 3_600_000 + ((i * 7919) % TIMERS) * (YEAR / TIMERS);
    const slice = { bytes, view, start: 0, end: bytes.length, count: 1 };
    const to = { connection: CONNECTION, request: 1, requests: 1, topic: "later", routeKey: "", delay, ttl: 0 };
    shard.apply({ op: "publish", ...to, ...slice }, now);
  }
};

const median = (values: number[]): string => (values.sort((a, b) => a - b)[values.length >> 1] ?? 0).toFixed(0);

const measure = (name: string): void => {
  const batched = publishing(1, BATCH);
  const single = publishing(400, 1);
  const figures = { batched: [] as number[], single: [] as number[], delivered: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    figures.batched.push(publish(batched, BATCH));
    figures.delivered.push(deliver());
    figures.single.push(publish(single, 400));
    figures.delivered.push(deliver());
  }
  const { batched: a, single: b, delivered: c } = figures;
  console.log(
    `${name}: publish ${BATCH} a frame ${median(a)} ns, 1 a frame ${median(b)} ns, deliver and ack ${median(c)} ns`,
  );
};

shard.apply(
  { op: "consume", connection: CONNECTION, request: 1, topic: "bench", queue: "default", credit: CREDIT, renew: true },
  now,
);
measure("no timers");
delayMessages();
measure(`${TIMERS.toLocaleString("en")} timers`);
