/**
 * What one request of the worst form of each op costs a shard of a million messages: milliseconds of all of its steps,
 * and of the longest, which is how long it holds up everybody else at once (src/shard/steps.ts).
 *
 *     node build/bench/micro/walks.js
 */
import * as selection from "#protocol/selection.js";
import type { Command } from "#shard/command.js";
import type { Run } from "#shard/effects.js";
import { localIdSource } from "#shard/messages/id-allocator.js";
import { Shard } from "#shard/shard.js";
import { SilentEffects } from "./silent-effects.js";

const MESSAGES = 1_000_000;
const QUEUES = 1_024;
const RUNS = 3;
const HOUR = 3_600_000;

/** Keeps the runs that are delivered, if it is told to. */
class Notes extends SilentEffects {
  runs: Run[] = [];
  keeps = false;

  override run(run: Readonly<Run>): void {
    if (this.keeps) this.runs.push({ ...run });
  }
}

/** Milliseconds. */
interface Cost {
  readonly all: number;
  readonly longest: number;
}

class Bench {
  readonly notes = new Notes();
  now = Date.UTC(2026, 0, 1);
  #request = 0;
  readonly shard = new Shard({
    effects: this.notes,
    ids: localIdSource(0),
    node: 1,
    limits: { maxTopics: 300_000, maxQueues: QUEUES, maxConsumers: 65_536 },
    memoryBytes: 16 * 1024 ** 3,
    now: this.now,
  });

  do(command: Command | Omit<Command, "connection" | "request">): Cost {
    this.#request++;
    const whole = { connection: 1, request: this.#request, ...command } as Command;
    let [all, longest] = [0, 0];
    for (let isDone = false; !isDone; ) {
      const begin = performance.now();
      isDone = this.shard.apply(whole, this.now);
      const step = performance.now() - begin;
      all += step;
      longest = Math.max(longest, step);
    }
    return { all, longest };
  }

  /** `count` messages of one byte in batches of `batch`. */
  publish(topic: string, count: number, batch: number, delay = 0, routeKey = ""): void {
    const bytes = new Uint8Array(5 * batch);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < batch; i++) view.setUint32(5 * i, 1);
    for (let sent = 0; sent < count; sent += batch) {
      this.now += 0.05;
      const slice = { bytes, view, start: 0, end: bytes.length, count: batch };
      this.do({ op: "publish", requests: 1, topic, routeKey, delay, ttl: 0, ...slice } as Command);
    }
  }

  /** Until there is nothing to do at this time. */
  settle(): void {
    while (this.shard.turn(this.now) <= this.now);
  }

  queues(topic: string, mode: "exact" | "pattern"): void {
    this.do({ op: "configure", topic, config: { mode } } as Command);
    for (let i = 0; i < QUEUES; i++) {
      this.do({ op: "declareQueue", topic, queue: `${i}`.padEnd(200, "a") } as Command);
    }
  }
}

/** Ids that no message has, each of a millisecond of its own. */
const unknownIds = (count: number) => {
  const bytes = new Uint8Array(count * selection.SELECTION_BYTES);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < count; i++) {
    selection.writeSelection(view, i * selection.SELECTION_BYTES, 1_000 + i, (i << 22) >>> 0, 1, 0);
  }
  return { bytes, view, start: 0, end: bytes.length };
};

const SELECTED = 65_536;

const CASES: Readonly<Record<string, (bench: Bench) => Cost>> = {
  "publish to 1,024 queues": (bench) => {
    bench.queues("t", "pattern");
    const bytes = new Uint8Array(5 * 4_096);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < 4_096; i++) view.setUint32(5 * i, 1);
    const slice = { bytes, view, start: 0, end: 5 * 256, count: 256 };
    return bench.do({ op: "publish", requests: 1, topic: "t", routeKey: ".*", delay: 1, ttl: 0, ...slice } as Command);
  },
  "purge, a million delayed one by one": (bench) => {
    bench.publish("t", MESSAGES, 1, HOUR);
    return bench.do({ op: "purge", topic: "t", queue: "", state: "all" } as Command);
  },
  "delete the topic of a million delayed": (bench) => {
    bench.publish("t", MESSAGES, 1, HOUR);
    return bench.do({ op: "deleteTopic", topic: "t" } as Command);
  },
  "browse at the end of a million delayed": (bench) => {
    bench.publish("t", MESSAGES, 1, HOUR);
    const far = { offset: MESSAGES - 10, max: 10, maxBytes: 1 << 20 };
    let { all, longest } = bench.do({ op: "browse", topic: "t", queue: "", state: "delayed", ...far } as Command);
    // What is left of it is done in turns.
    for (let hasMore = true; hasMore; ) {
      const begin = performance.now();
      hasMore = bench.shard.turn(bench.now) <= bench.now;
      const step = performance.now() - begin;
      all += step;
      longest = Math.max(longest, step);
    }
    return { all, longest };
  },
  "cancel 65,536 unknown ids in 1,024 queues": (bench) => {
    bench.queues("t", "exact");
    return bench.do({ op: "cancel", topic: "t", queue: null, ...unknownIds(SELECTED) } as Command);
  },
  "ack 65,536 unknown ids": (bench) => {
    bench.publish("t", MESSAGES, 1);
    return bench.do({ op: "ack", topic: "t", queue: "", ...unknownIds(SELECTED) } as Command);
  },
  "redrive a million dead": (bench) => {
    bench.do({ op: "configure", topic: "t", config: { retries: 0 } } as Command);
    bench.publish("t", MESSAGES, 1);
    bench.notes.keeps = true;
    const all = { max: 0xffff_ffff, maxBytes: 0xffff_ffff, wait: 0 };
    bench.do({ op: "pop", topic: "t", queue: "", ...all } as Command);
    const { runs } = bench.notes;
    bench.notes.keeps = false;
    for (const { idHigh, idLow, count, delivery } of runs) {
      const bytes = new Uint8Array(selection.SELECTION_BYTES);
      const view = new DataView(bytes.buffer);
      selection.writeSelection(view, 0, idHigh, idLow, count, delivery);
      const slice = { bytes, view, start: 0, end: bytes.length };
      bench.do({ op: "nack", topic: "t", queue: "", delay: 0, reject: true, ...slice } as Command);
    }
    const none = { bytes: new Uint8Array(0), view: new DataView(new ArrayBuffer(0)), start: 0, end: 0 };
    return bench.do({ op: "redrive", topic: "t", queue: "", ...none } as Command);
  },
  "disconnect with a million in flight": (bench) => {
    bench.publish("t", MESSAGES, 1);
    bench.do({ op: "consume", topic: "t", queue: "", credit: 0xffff_ffff, renew: false } as Command);
    bench.settle();
    return bench.do({ op: "disconnect", connection: 1 });
  },
  "disconnect with 16,384 consumers": (bench) => {
    for (let i = 0; i < 16_384; i++) {
      bench.do({ op: "consume", topic: `t${i}`, queue: "", credit: 1, renew: false } as Command);
    }
    return bench.do({ op: "disconnect", connection: 1 });
  },
  "hold 16,384 consumers": (bench) => {
    for (let i = 0; i < 16_384; i++) {
      bench.do({ op: "consume", topic: `t${i}`, queue: "", credit: 1, renew: false } as Command);
    }
    return bench.do({ op: "hold", connection: 1 });
  },
  "stats of 1,024 queues": (bench) => {
    bench.queues("t", "exact");
    return bench.do({ op: "stats", topic: "t" } as Command);
  },
  "a pattern that is hard to match, over 1,024 queues": (bench) => {
    bench.do({ op: "configure", topic: "t", config: { mode: "pattern" } } as Command);
    for (let i = 0; i < QUEUES; i++) {
      const key = Array.from({ length: 240 }, (_, j) => ((i * 7919 + j * j * 31) % 5 < 2 ? "a" : "b")).join("");
      bench.do({ op: "declareQueue", topic: "t", queue: `${key}${i}` } as Command);
    }
    const bytes = new Uint8Array(5);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, 1);
    const slice = { bytes, view, start: 0, end: 5, count: 1 };
    const routeKey = "[ab]*a[ab]{100}[^ab]";
    return bench.do({ op: "publish", requests: 1, topic: "t", routeKey, delay: 0, ttl: 0, ...slice } as Command);
  },
  "list after a new topic among 260,000": (bench) => {
    for (let i = 0; i < 260_000; i++)
      bench.do({ op: "configure", topic: `topic ${i}`.padEnd(200, "x"), config: {} } as Command);
    bench.do({ op: "topics", after: "", max: 1_000 } as Command);
    bench.do({ op: "configure", topic: "another", config: {} } as Command);
    return bench.do({ op: "topics", after: "", max: 1_000 } as Command);
  },
};

const width = Math.max(...Object.keys(CASES).map(({ length }) => length));
for (const [name, play] of Object.entries(CASES)) {
  const costs = Array.from({ length: RUNS }, () => play(new Bench()));
  const median = (figure: keyof Cost): string =>
    (costs.map((cost) => cost[figure]).sort((a, b) => a - b)[RUNS >> 1] ?? 0).toFixed(1).padStart(8);
  console.log(`${name.padEnd(width)}  ${median("all")} ms in all  ${median("longest")} ms at once`);
}
