/** Requests that walk much of what a shard holds: in steps, between which others do what they like. */
import { describe, expect, it } from "vitest";
import { EPOCH } from "../../src/protocol/id.js";
import { COUNT, FIRST_ID_HIGH, FIRST_ID_LOW, SELECTION_BYTES } from "../../src/protocol/selection.js";
import type { Command } from "../../src/shard/command.js";
import { localIdSource } from "../../src/shard/messages/id-allocator.js";
import { Shard } from "../../src/shard/shard.js";
import { type Effect, Recorder } from "./model/effects.js";

const NOW = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;

/** Extents that a step may move. */
const STEP = 8;

/** Whose requests are carried out in steps, and who goes on meanwhile. */
const SLOW = 1;
const OTHER = 2;

const open = () => {
  const recorder = new Recorder();
  const shard = new Shard({
    effects: recorder,
    ids: localIdSource(EPOCH),
    node: 1,
    limits: { maxTopics: 10, maxQueues: 100, maxConsumers: 1_000 },
    memoryBytes: 1e9,
    now: NOW,
    stepExtents: STEP,
  });
  let request = 0;
  /** One step. */
  const step = (command: object): boolean => {
    const isDone = shard.apply({ connection: OTHER, request, topic: "t", queue: "", ...command } as Command, NOW);
    shard.invariants();
    return isDone;
  };
  /** All steps at once, and what it did. */
  const tell = (command: object): Effect[] => {
    request++;
    while (!step(command));
    return recorder.take();
  };
  /** A command with something in between its steps; how many those were. */
  const slowly = (command: object, between: (steps: number) => void) => {
    request++;
    const mine = { connection: SLOW, request, ...command };
    let effects: Effect[] = [];
    let steps = 1;
    for (; !step(mine); steps++) {
      effects.push(...recorder.take());
      between(steps);
    }
    effects = [...effects, ...recorder.take()];
    return { effects, steps };
  };
  /** Each in an extent of its own. */
  const publish = (count: number, more: object = {}): bigint[] =>
    Array.from({ length: count }, () => {
      const bytes = new Uint8Array(5);
      const view = new DataView(bytes.buffer);
      view.setUint32(0, 1);
      const slice = { bytes, view, start: 0, end: 5, count: 1, requests: 1 };
      const [effect] = tell({ op: "publish", routeKey: "", delay: 0, ttl: 0, ...slice, ...more });
      return effect?.kind === "confirm" ? effect.id : 0n;
    });
  const counts = (topic = "t"): readonly Record<string, unknown>[] => {
    recorder.take();
    const [effect] = tell({ op: "stats", topic });
    return effect?.kind === "result" ? (effect.value as { queues: Record<string, unknown>[] }).queues : [];
  };
  return { shard, recorder, tell, step, slowly, publish, counts };
};

const selected = (ids: readonly bigint[]) => {
  const bytes = new Uint8Array(ids.length * SELECTION_BYTES);
  const view = new DataView(bytes.buffer);
  ids.forEach((id, i) => {
    view.setUint32(i * SELECTION_BYTES + FIRST_ID_HIGH, Number(id >> 32n));
    view.setUint32(i * SELECTION_BYTES + FIRST_ID_LOW, Number(id & 0xffff_ffffn));
    view.setUint32(i * SELECTION_BYTES + COUNT, 1);
  });
  return { bytes, view, start: 0, end: bytes.length };
};

const NOTHING = selected([]);

describe("in steps, between which others go on,", () => {
  it.each(["ready", "delayed"] as const)(
    "PURGE drops what was %s when it began, and not what has come since",
    (state) => {
      const { publish, slowly, counts } = open();
      const delay = state === "delayed" ? HOUR : 0;
      publish(100, { delay });
      const { effects, steps } = slowly({ op: "purge", state }, () => publish(1, { delay }));
      expect(steps).toBeGreaterThan(10);
      expect(effects).toMatchObject([{ kind: "confirm", connection: SLOW, messages: 100 }]);
      expect(counts()).toMatchObject([{ [state]: steps - 1 }]);
    },
  );

  it("PURGE counts what it has dropped, though others take messages as well", () => {
    const { publish, slowly, tell, counts } = open();
    publish(100);
    let popped = 0;
    const { effects } = slowly({ op: "purge", state: "ready" }, () => {
      for (const effect of tell({ op: "pop", max: 3, maxBytes: 1_000, wait: 0 })) {
        if (effect.kind === "messages") popped += effect.messages.length;
      }
    });
    expect(popped).toBeGreaterThan(10);
    expect(effects).toMatchObject([{ kind: "confirm", messages: 100 - popped }]);
    expect(counts()).toMatchObject([{ ready: 0, inFlight: popped }]);
  });

  it("PURGE drops what is in flight with many consumers, who go on", () => {
    const { publish, slowly, shard, tell, recorder, counts } = open();
    for (let consumer = 0; consumer < 20; consumer++) tell({ op: "consume", credit: 5, renew: true });
    publish(100);
    while (shard.turn(NOW) <= NOW);
    recorder.take();
    const { effects, steps } = slowly({ op: "purge", state: "in-flight" }, () => {});
    expect(steps).toBeGreaterThan(5);
    expect(effects).toMatchObject([{ kind: "confirm", messages: 100 }]);
    expect(counts()).toMatchObject([{ ready: 0, inFlight: 0, consumers: 20 }]);
    publish(100);
    while (shard.turn(NOW) <= NOW);
    expect(counts()).toMatchObject([{ ready: 0, inFlight: 100 }]);
  });

  it("DELETE_TOPIC takes with it what comes meanwhile, and a topic of that name begins anew", () => {
    const { publish, slowly, counts, tell } = open();
    publish(100);
    publish(50, { delay: HOUR });
    tell({ op: "consume", credit: 1, renew: false });
    const { effects, steps } = slowly({ op: "deleteTopic" }, () => publish(1));
    expect(steps).toBeGreaterThan(10);
    expect(effects.at(-1)).toMatchObject({ kind: "confirm", messages: 150 + steps - 1 });
    expect(effects.filter(({ kind }) => kind === "consumerClosed")).toHaveLength(1);
    expect(tell({ op: "stats" })).toMatchObject([{ kind: "fail", error: "NO_TOPIC" }]);
    publish(1);
    expect(counts()).toMatchObject([{ ready: 1, delayed: 0 }]);
  });

  it("DELETE_TOPIC of what somebody else deletes meanwhile comes to its end", () => {
    const { publish, slowly, tell, counts } = open();
    publish(100);
    const { effects } = slowly({ op: "deleteTopic" }, (steps) => {
      if (steps !== 3) return;
      tell({ op: "deleteTopic" });
      publish(5);
    });
    expect(effects).toMatchObject([{ kind: "confirm" }]);
    // That is another topic of the same name.
    expect(counts()).toMatchObject([{ ready: 5 }]);
  });

  it("DELETE_QUEUE of what somebody else deletes meanwhile comes to its end", () => {
    const { publish, slowly, tell, counts } = open();
    tell({ op: "declareQueue", queue: "a" });
    publish(100, { routeKey: "a" });
    const { effects } = slowly({ op: "deleteQueue", queue: "a" }, (steps) => {
      if (steps !== 3) return;
      tell({ op: "deleteQueue", queue: "a" });
      tell({ op: "declareQueue", queue: "a" });
      publish(5, { routeKey: "a" });
    });
    expect(effects).toMatchObject([{ kind: "confirm" }]);
    expect(counts()).toMatchObject([{ bindKey: "a", ready: 5 }]);
  });

  it("REDRIVE puts back what was dead when it began", () => {
    const { publish, slowly, tell, counts } = open();
    const ids = publish(100);
    tell({ op: "pop", max: 200, maxBytes: 1e6, wait: 0 });
    tell({ op: "nack", delay: 0, reject: true, ...selected(ids) });
    expect(counts()).toMatchObject([{ deadLetters: 100 }]);
    const { effects, steps } = slowly({ op: "redrive", ...NOTHING }, () => publish(1));
    expect(steps).toBeGreaterThan(10);
    expect(effects).toMatchObject([{ kind: "confirm", messages: 100 }]);
    expect(counts()).toMatchObject([{ deadLetters: 0, ready: 100 + steps - 1 }]);
  });

  it("CANCEL in all queues finds what is there, though queues come and go and its topic is deleted at last", () => {
    const { publish, slowly, tell } = open();
    for (let i = 0; i < 50; i++) tell({ op: "declareQueue", queue: `q${i}` });
    const ids = Array.from({ length: 50 }, (_, i) => publish(1, { delay: HOUR, routeKey: `q${i}` })).flat();
    const { effects, steps } = slowly({ op: "cancel", queue: null, ...selected(ids) }, (at) => {
      if (at === 2) tell({ op: "deleteQueue", queue: "q49" });
      if (at === 3) tell({ op: "declareQueue", queue: "another" });
      if (at === 20) tell({ op: "deleteTopic" });
    });
    expect(steps).toBeGreaterThan(20);
    const answer = effects.at(-1);
    if (answer?.kind !== "settled") throw new Error(`it was answered with ${answer?.kind}`);
    expect(answer.count).toBeGreaterThan(10);
    expect(answer.count + answer.faults.length).toBe(50);
    expect(new Set(answer.faults.map(({ error }) => error))).toEqual(new Set(["UNKNOWN_MESSAGE"]));
  });

  it("a connection goes: what it held comes back in order, others have it at once, and it is handed nothing", () => {
    const { publish, shard, recorder, tell, step, counts } = open();
    for (let i = 0; i < 30; i++) {
      shard.apply({ op: "subscribe", connection: SLOW, request: i + 1, channel: `${i}`, overflow: "drop-oldest" }, NOW);
      tell({ connection: SLOW, op: "consume", topic: `u${i % 5}`, credit: 10, renew: true });
    }
    tell({ connection: SLOW, op: "consume", topic: "t", credit: 1_000, renew: true });
    publish(100);
    while (shard.turn(NOW) <= NOW);
    expect(counts()).toMatchObject([{ inFlight: 100 }]);
    tell({ op: "consume", credit: 20, renew: false });
    let steps = 1;
    for (; !step({ op: "disconnect", connection: SLOW }); steps++) {
      while (shard.turn(NOW) <= NOW);
      const handed = recorder.take().filter((effect) => "connection" in effect && effect.connection === SLOW);
      expect(handed).toEqual([]);
    }
    expect(steps).toBeGreaterThan(20);
    while (shard.turn(NOW) <= NOW);
    recorder.take();
    expect(counts()).toMatchObject([{ inFlight: 20, ready: 80, consumers: 1 }]);
    expect(shard.connections.find(SLOW)).toBeUndefined();
  });

  it("a connection goes that had a request under way: of that nothing more is done", () => {
    const { publish, step, counts, recorder } = open();
    publish(100);
    const purge = { op: "purge", state: "ready", connection: SLOW, request: 7 };
    expect(step(purge)).toBe(false);
    while (!step({ op: "disconnect", connection: SLOW }));
    expect(recorder.take()).toEqual([]);
    expect(counts()).toMatchObject([{ ready: 100 - STEP }]);
    // Another connection of that number begins from the beginning.
    while (!step(purge));
    expect(recorder.take()).toMatchObject([{ kind: "confirm", messages: 100 - STEP }]);
  });

  it("a connection goes that had begun a deletion: others have been told of it, and it comes to its end", () => {
    const { publish, step, tell, recorder } = open();
    publish(100);
    tell({ op: "consume", credit: 1, renew: false });
    recorder.take();
    expect(step({ op: "deleteTopic", connection: SLOW, request: 7 })).toBe(false);
    expect(recorder.take()).toMatchObject([{ kind: "consumerClosed", connection: OTHER, error: "TOPIC_DELETED" }]);
    while (!step({ op: "disconnect", connection: SLOW }));
    recorder.take();
    expect(tell({ op: "stats" })).toMatchObject([{ kind: "fail", error: "NO_TOPIC" }]);
  });

  it("a bounded number of BROWSEs walk at a time, and leave nothing in the list", () => {
    const { publish, shard, recorder } = open();
    publish(1_000);
    const far = { topic: "t", queue: "", state: "ready", offset: 900, max: 5, maxBytes: 1e6 } as const;
    for (let i = 0; i < 80; i++) shard.apply({ op: "browse", connection: 100 + i, request: 9, ...far }, NOW);
    const { ready } = shard.directory.queues[0] ?? {};
    let most = 0;
    while (shard.turn(NOW) <= NOW) most = Math.max(most, ready?.cursors ?? 0);
    expect(recorder.take().filter(({ kind }) => kind === "messages")).toHaveLength(80);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(64);
    expect(ready?.cursors).toBe(0);
    shard.invariants();
  });

  it("so do LOOKUPs by id, of however many connections", () => {
    const { publish, shard, recorder } = open();
    publish(1_000);
    const nobody = { topic: "t", key: undefined, idHigh: 1, idLow: 1 } as const;
    for (let i = 0; i < 200; i++) shard.apply({ op: "lookup", connection: 100 + i, request: 9, ...nobody }, NOW);
    const { ready } = shard.directory.queues[0] ?? {};
    let most = 0;
    while (shard.turn(NOW) <= NOW) most = Math.max(most, ready?.cursors ?? 0);
    expect(recorder.take().filter(({ kind }) => kind === "result")).toHaveLength(200);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(64);
    expect(ready?.cursors).toBe(0);
    shard.invariants();
  });

  it("BROWSE finds its beginning though the head of the queue goes away under it", () => {
    const { publish, shard, recorder, tell } = open();
    const ids = publish(1_000);
    const far = { topic: "t", queue: "", state: "ready", offset: 900, max: 5, maxBytes: 1e6 } as const;
    shard.apply({ op: "browse", connection: SLOW, request: 9, ...far }, NOW);
    expect(recorder.take()).toEqual([]);
    let turns = 0;
    let shown: Effect[] = [];
    for (; shown.length === 0; turns++) {
      tell({ op: "pop", max: 1, maxBytes: 100, wait: 0 });
      shard.turn(NOW);
      shard.invariants();
      shown = recorder.take();
    }
    expect(turns).toBeGreaterThan(2);
    const [answer] = shown;
    if (answer?.kind !== "messages") throw new Error("it was not answered with messages");
    // Those that went before it had come to them do not count.
    const first = ids.indexOf(answer.messages[0]?.id ?? 0n);
    expect(first).toBeGreaterThanOrEqual(900);
    expect(first).toBeLessThanOrEqual(900 + turns);
    expect(answer.messages.map(({ id }) => id)).toEqual(ids.slice(first, first + 5));
  });

  it("a BROWSE that walks goes with its connection, and its topic", () => {
    const { publish, shard, recorder, tell } = open();
    publish(1_000);
    const far = { topic: "t", queue: "", state: "ready", offset: 900, max: 5, maxBytes: 1e6 } as const;
    shard.apply({ op: "browse", connection: SLOW, request: 9, ...far }, NOW);
    shard.apply({ op: "browse", connection: OTHER, request: 9, ...far }, NOW);
    while (!shard.apply({ op: "disconnect", connection: SLOW }, NOW));
    tell({ op: "deleteTopic" });
    while (shard.turn(NOW) <= NOW);
    expect(recorder.take()).toMatchObject([{ kind: "messages", connection: OTHER, messages: [] }]);
    shard.invariants();
  });

  it.each([{ maxLength: 2 }, { maxBytes: 12 }])(
    "a publish drops what is beyond a limit that was lowered, %o",
    (limit) => {
      const { publish, slowly, tell, counts } = open();
      publish(100);
      tell({ op: "configure", config: { ...limit, overflow: "drop-oldest" } });
      const bytes = new Uint8Array(5);
      const view = new DataView(bytes.buffer);
      view.setUint32(0, 1);
      const slice = { bytes, view, start: 0, end: 5, count: 1, requests: 1 };
      const { effects, steps } = slowly({ op: "publish", routeKey: "", delay: 0, ttl: 0, ...slice }, () => {});
      expect(steps).toBeGreaterThan(5);
      expect(effects).toMatchObject([{ kind: "confirm", connection: SLOW, messages: 1 }]);
      expect(counts()).toMatchObject([{ ready: 2 }]);
      // What can never fit drops nothing.
      tell({ op: "configure", config: { maxLength: 0, maxBytes: 3 } });
      expect(slowly({ op: "publish", routeKey: "", delay: 0, ttl: 0, ...slice }, () => {}).effects).toMatchObject([
        { kind: "fail", error: "QUEUE_FULL" },
      ]);
      expect(counts()).toMatchObject([{ ready: 2 }]);
    },
  );

  it("requests that were merged reach more queues together than one may, and are published in parts", () => {
    const { slowly, tell, counts } = open();
    tell({ op: "configure", config: { mode: "pattern" } });
    for (let i = 0; i < 90; i++) tell({ op: "declareQueue", queue: `queue-${i}` });
    const requests = 4_000;
    const bytes = new Uint8Array(5 * requests);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < requests; i++) view.setUint32(i * 5, 1);
    const slice = { bytes, view, start: 0, end: bytes.length, count: requests, requests };
    const command = { op: "publish", routeKey: "queue-[0-9]+", delay: 0, ttl: 0, ...slice };
    const { effects } = slowly(command, () => {});
    expect(effects.map((effect) => effect.kind === "confirm" && effect.messages)).toEqual([2_912, 1_088]);
    expect(counts().map(({ ready }) => ready)).toEqual(Array(90).fill(requests));
    // What is between two parts counts for the second.
    const cut = slowly(command, (at) => {
      if (at > 1 || counts()[0]?.["ready"] === requests) return;
      tell({ op: "deleteTopic" });
    });
    expect(cut.effects.filter(({ kind }) => kind === "confirm")).toHaveLength(1);
    expect(cut.effects.filter(({ kind }) => kind === "fail")).toHaveLength(1_088);
    // As one batch they are refused.
    tell({ op: "configure", config: { mode: "pattern" } });
    for (let i = 0; i < 90; i++) tell({ op: "declareQueue", queue: `queue-${i}` });
    expect(tell({ ...command, requests: 1 })).toMatchObject([{ kind: "fail", error: "TOO_MANY_MESSAGES" }]);
  });

  it("a pattern is matched against queues, among them those that come meanwhile, and not those that have gone", () => {
    const { publish, slowly, tell, counts } = open();
    tell({ op: "configure", config: { mode: "pattern" } });
    for (let i = 0; i < 50; i++) tell({ op: "declareQueue", queue: `queue-${i}`.padEnd(100, ".") });
    const bytes = new Uint8Array(5);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, 1);
    const slice = { bytes, view, start: 0, end: 5, count: 1, requests: 1 };
    const command = { op: "publish", routeKey: "^queue-[0-9]+", delay: 0, ttl: 0, ...slice };
    const { effects, steps } = slowly(command, (at) => {
      if (at === 2) tell({ op: "declareQueue", queue: "queue-100" });
      if (at === 3) tell({ op: "deleteQueue", queue: "queue-0".padEnd(100, ".") });
    });
    expect(steps).toBeGreaterThan(5);
    expect(effects).toMatchObject([{ kind: "confirm", connection: SLOW, messages: 1 }]);
    const queues = counts();
    expect(queues).toHaveLength(50);
    expect(queues.every(({ ready }) => ready === 1)).toBe(true);
    // Known by now.
    expect(slowly(command, () => {}).steps).toBe(1);
    publish(1, { routeKey: "^queue-100$" });
  });

  it("a pattern begins anew with a topic that was deleted under it, and is none any more where the mode has changed", () => {
    const { slowly, tell, counts } = open();
    const bytes = new Uint8Array(5);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, 1);
    const slice = { bytes, view, start: 0, end: 5, count: 1, requests: 1 };
    const command = { op: "publish", routeKey: "^queue-[0-9]+", delay: 0, ttl: 0, ...slice };
    const fill = (): void => {
      tell({ op: "configure", config: { mode: "pattern" } });
      for (let i = 0; i < 50; i++) tell({ op: "declareQueue", queue: `queue-${i}`.padEnd(100, ".") });
    };
    fill();
    const again = slowly(command, (at) => {
      if (at !== 3) return;
      tell({ op: "deleteTopic" });
      fill();
    });
    expect(again.effects).toMatchObject([{ kind: "confirm" }]);
    expect(counts().every(({ ready }) => ready === 1)).toBe(true);
    const exact = slowly({ ...command, routeKey: "^queue-[1-9]+" }, (at) => {
      if (at === 3) tell({ op: "configure", config: { mode: "exact" } });
    });
    expect(exact.effects).toMatchObject([{ kind: "fail", error: "NO_ROUTE" }]);
  });
});
