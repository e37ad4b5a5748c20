import { describe, expect, it } from "vitest";
import { EPOCH } from "../../src/protocol/id.js";
import { localIdSource } from "../../src/shard/messages/id-allocator.js";
import { Shard } from "../../src/shard/shard.js";
import { type Effect, Recorder } from "./model/effects.js";

const NOW = Date.UTC(2026, 0, 1);
const PAGE = 64 * 1024;
const BODY = 10_000;
/** Room for some pages beyond what an empty shard takes. */
const SEGMENTS = 10;
/** What a topic and its queue take by themselves, at the most. */
const TOPIC = 4096;

/** A shard with little memory, one queue, and messages of 10,000 bytes. */
class SmallShard {
  readonly recorder = new Recorder();
  readonly #options = {
    effects: this.recorder,
    ids: localIdSource(EPOCH),
    node: 1,
    limits: { maxTopics: 10, maxQueues: 10_000, maxConsumers: 10 },
    now: NOW,
    pageBytes: PAGE,
  };
  readonly shard = new Shard({
    ...this.#options,
    memoryBytes: new Shard({ ...this.#options, memoryBytes: 0 }).bytes + SEGMENTS * PAGE + TOPIC,
  });
  readonly #to = { connection: 1, request: 1, topic: "t", queue: "" };

  publish(requests = 1, delay = 0): Effect[] {
    const bytes = new Uint8Array(requests * (BODY + 4));
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < requests; i++) view.setUint32(i * (BODY + 4), BODY);
    const slice = { bytes, view, start: 0, end: bytes.length };
    const rest = { requests, count: requests, routeKey: "", delay, ttl: 0 };
    this.shard.apply({ op: "publish", ...this.#to, ...rest, ...slice }, NOW);
    return this.recorder.take();
  }

  /** Publishes until the memory is used; how many messages were taken. */
  fill(): number {
    for (let taken = 0; taken < 10_000; taken++) {
      const [effect] = this.publish();
      if (effect?.kind === "confirm") continue;
      expect(effect).toEqual({ kind: "fail", connection: 1, request: 1, error: "MEMORY_FULL" });
      return taken;
    }
    throw new Error("the memory is never used up");
  }

  pop(max: number): number {
    this.shard.apply({ op: "pop", ...this.#to, max, maxBytes: 1024 * 1024, wait: 0 }, NOW);
    this.shard.turn(NOW);
    const [effect] = this.recorder.take();
    return effect?.kind === "messages" ? effect.messages.length : 0;
  }

  declareQueue(queue: string): Effect | undefined {
    this.shard.apply({ op: "declareQueue", ...this.#to, queue }, NOW);
    return this.recorder.take()[0];
  }

  deleteTopic(): void {
    while (!this.shard.apply({ op: "deleteTopic", ...this.#to }, NOW));
    this.shard.turn(NOW);
    this.recorder.take();
  }

  purge(state: "ready" | "in-flight"): void {
    while (!this.shard.apply({ op: "purge", ...this.#to, state }, NOW));
    this.recorder.take();
  }
}

describe("memory", () => {
  it("refuses publishes past its budget, hands out and settles all the same, and takes new ones when there is room", () => {
    const small = new SmallShard();
    const held = small.fill();
    expect(held).toBe(SEGMENTS * Math.floor(PAGE / BODY));
    expect(small.pop(held / 2)).toBe(held / 2);
    expect(small.publish()).toEqual([{ kind: "fail", connection: 1, request: 1, error: "MEMORY_FULL" }]);
    small.purge("in-flight");
    expect(small.fill()).toBeGreaterThanOrEqual(held / 2 - Math.floor(PAGE / BODY));
    small.shard.invariants();
  });

  it("does not lose memory to what comes and goes", () => {
    const small = new SmallShard();
    const held = small.fill();
    for (let i = 0; i < 20; i++) {
      small.purge("ready");
      expect(small.fill()).toBe(held);
    }
  });

  it("counts queues, which hold nothing and take memory all the same", () => {
    const small = new SmallShard();
    let declared = 0;
    while (small.declareQueue(`q${declared}`)?.kind === "confirm") declared++;
    expect(declared).toBeLessThan((SEGMENTS * PAGE + TOPIC) / 512);
    expect(declared).toBeGreaterThan(100);
    small.deleteTopic();
    expect(small.publish()[0]?.kind).toBe("confirm");
    small.shard.invariants();
  });

  it("gives back the tables of a burst of single messages", () => {
    const small = new SmallShard();
    const bytes = new Uint8Array(4);
    const slice = { bytes, view: new DataView(bytes.buffer), start: 0, end: 4 };
    const later = { connection: 1, request: 1, topic: "t", routeKey: "", delay: 1000, ttl: 0, requests: 1, count: 1 };
    for (let i = 0; i < 20_000; i++) small.shard.apply({ op: "publish", ...later, ...slice }, NOW);
    expect(small.recorder.take().at(-1)).toMatchObject({ kind: "fail", error: "MEMORY_FULL" });
    small.deleteTopic();
    expect(small.publish()[0]?.kind).toBe("confirm");
    small.shard.invariants();
  });

  it("takes as many of merged publishes as fit, and refuses the others one by one", () => {
    const small = new SmallShard();
    const held = small.fill();
    small.purge("ready");
    const effects = small.publish(held + 3);
    const taken = effects.filter((effect) => effect.kind === "confirm");
    const confirmed = taken.reduce((sum, { requests }) => sum + requests, 0);
    const last = effects.slice(taken.length);
    expect(confirmed).toBeGreaterThanOrEqual(held - Math.floor(PAGE / BODY));
    expect(last.every((effect) => effect.kind === "fail" && effect.error === "MEMORY_FULL")).toBe(true);
    const requests = effects.flatMap((effect) => {
      if (!("request" in effect)) return [];
      const { request } = effect;
      return Array.from({ length: "requests" in effect ? effect.requests : 1 }, (_, i) => request + i);
    });
    expect(requests).toEqual(Array.from({ length: held + 3 }, (_, i) => i + 1));
  });
});
