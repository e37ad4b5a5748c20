import { describe, expect, it } from "vitest";
import type { Effect, SeenMessage } from "../model/effects.js";
import { NOW, ShardByHand } from "../shard-by-hand.js";

/** A consumer of one topic, whose program is the test. */
class Worker {
  readonly request: number;

  constructor(
    readonly by: ShardByHand,
    readonly connection: number,
    credit = 1000,
    renew = false,
  ) {
    const [answer] = by.ask({ op: "consume", topic: "t", queue: "", credit, renew, reports: true }, connection);
    if (answer?.kind !== "result") throw new Error("the CONSUME of a client that reports is answered with a RESULT");
    this.request = answer.request;
  }

  /** What is pushed to it in a turn. */
  receive(): SeenMessage[] {
    this.by.shard.turn(this.by.now);
    return this.by.recorder
      .take()
      .flatMap((effect) =>
        effect.kind === "messages" && effect.connection === this.connection ? [...effect.messages] : [],
      );
  }

  /** Its program was handed this one. */
  see(message: SeenMessage | undefined, renews = false): void {
    const idLow = message === undefined ? 0 : Number(message.id & 0xffff_ffffn);
    const delivery = message?.delivery ?? 0;
    const about = { topic: "t", queue: "", consumer: this.request, request: 0 };
    expect(this.by.ask({ op: "seen", ...about, delivery, idLow, renews }, this.connection)).toEqual([]);
  }

  stop(givesBack: boolean): number | undefined {
    const [answer] = this.by.ask(
      { op: "stop", topic: "t", queue: "", consumer: this.request, givesBack },
      this.connection,
    );
    return answer?.kind === "confirm" ? answer.messages : undefined;
  }

  vanish(): void {
    while (!this.by.shard.apply({ op: "disconnect", connection: this.connection }, this.by.now));
    this.by.recorder.take();
    this.by.shard.invariants();
  }
}

/** A queue with messages 0, 1, …, published in batches. */
const queueOf = (...batches: readonly number[]): { by: ShardByHand; ids: bigint[] } => {
  const by = new ShardByHand({ stepExtents: 4 });
  const ids = batches.flatMap((count) => {
    const [effect] = by.publish("t", { count });
    const first = effect?.kind === "confirm" ? effect.id : 0n;
    return Array.from({ length: count }, (_, i) => first + BigInt(i));
  });
  return { by, ids };
};

/** What is ready, in order, each with its retry: `number` or `number+retry`. */
const ready = ({ by, ids }: { by: ShardByHand; ids: readonly bigint[] }): string[] =>
  by
    .ask({ op: "browse", topic: "t", queue: "", state: "ready", offset: 0, max: 1000, maxBytes: 1 << 20 })
    .flatMap((effect) => (effect.kind === "messages" ? effect.messages : []))
    .map(({ id, retry }) => (retry === 0 ? `${ids.indexOf(id)}` : `${ids.indexOf(id)}+${retry}`));

const statsOf = (by: ShardByHand): Record<string, unknown> => {
  const [answer] = by.ask({ op: "stats", topic: "t" });
  return answer?.kind === "result" ? (answer.value as Record<string, unknown>) : {};
};

const numbers = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `${from + i}`);

type Settling = { op: "ack" | "release" } | { op: "touch"; ttr: number };

/** Settles `count` messages from this one on. */
const settle = (by: ShardByHand, settling: Settling, message: SeenMessage | undefined, count = 1): Effect[] => {
  if (message === undefined) throw new Error("there is no such message");
  const view = new DataView(new ArrayBuffer(16));
  view.setBigUint64(0, message.id);
  view.setUint32(8, count);
  view.setUint32(12, message.delivery);
  const bytes = new Uint8Array(view.buffer);
  return by.ask({ ...settling, topic: "t", queue: "", bytes, view, start: 0, end: 16 });
};

const ack = (by: ShardByHand, ...messages: readonly (SeenMessage | undefined)[]): void => {
  for (const message of messages) settle(by, { op: "ack" }, message);
};

const touch = (by: ShardByHand, ...messages: readonly (SeenMessage | undefined)[]): void => {
  for (const message of messages) settle(by, { op: "touch", ttr: 0 }, message);
};

describe("a consumer that reports", () => {
  it("is told the time, the TTR and whether its topic acks by itself", () => {
    const by = new ShardByHand();
    by.configure("t", { ttr: 5000, autoAck: true });
    const consume = { op: "consume", topic: "t", queue: "", credit: 1, renew: false } as const;
    expect(by.ask({ ...consume, reports: true })).toMatchObject([
      { kind: "result", value: { now: NOW, ttr: 5000, autoAck: true } },
    ]);
    expect(by.ask(consume)).toMatchObject([{ kind: "confirm" }]);
  });

  it("has failed on what its program was handed when it goes; the rest is given back", () => {
    const queue = queueOf(100, 1, 60);
    const worker = new Worker(queue.by, 2, 130);
    const messages = worker.receive();
    ack(queue.by, messages[0], messages[5]);
    worker.see(messages[6]);
    worker.vanish();
    expect(ready(queue)).toEqual([...numbers(7, 161), "1+1", "2+1", "3+1", "4+1", "6+1"]);
    expect(statsOf(queue.by)).toMatchObject({ released: 123, retried: 5, acked: 2, dead: 0 });
  });

  it("has failed on none of the neighbours of messages that its program has touched", () => {
    const queue = queueOf(100);
    const worker = new Worker(queue.by, 2);
    const messages = worker.receive();
    worker.see(messages[40]);
    touch(queue.by, messages[3], messages[40], messages[36]);
    worker.vanish();
    const failed = numbers(0, 41).map((number) => `${number}+1`);
    expect(ready(queue).slice(0, 59)).toEqual(numbers(41, 100));
    expect(ready(queue).slice(59).sort()).toEqual(failed.sort());
  });

  it("has failed on nothing when its program was handed nothing", () => {
    const queue = queueOf(40);
    const worker = new Worker(queue.by, 2);
    for (let i = 0; i < 20; i++) {
      expect(worker.receive()).toHaveLength(i === 0 ? 40 : 0);
      worker.vanish();
      const again = new Worker(queue.by, 2);
      expect(again.receive().map(({ id }) => queue.ids.indexOf(id))).toEqual(numbers(0, 40).map(Number));
      again.vanish();
    }
    expect(ready(queue)).toEqual(numbers(0, 40));
  });

  it("one that does not has failed on all that it holds", () => {
    const queue = queueOf(3);
    queue.by.consume("t", 2);
    queue.by.shard.turn(queue.by.now);
    while (!queue.by.shard.apply({ op: "disconnect", connection: 2 }, queue.by.now));
    queue.by.recorder.take();
    expect(ready(queue)).toEqual(["0+1", "1+1", "2+1"]);
  });

  it("shares a queue with others, whose messages keep their order whoever goes first", () => {
    const queue = queueOf(...Array<number>(50).fill(3));
    const workers = [2, 3, 4].map((connection) => new Worker(queue.by, connection, 50));
    queue.by.shard.turn(queue.by.now);
    queue.by.recorder.take();
    for (const i of [1, 2, 0]) workers[i]?.vanish();
    expect(ready(queue)).toEqual(numbers(0, 150));
  });

  it("can report what it was sent, and nothing else", () => {
    const queue = queueOf(10);
    const worker = new Worker(queue.by, 2);
    const messages = worker.receive();
    const last = messages[9];
    if (last === undefined) throw new Error("ten messages were sent");
    worker.see(messages[3]);
    worker.see(messages[1]);
    worker.see({ ...last, delivery: (last.delivery + 1) >>> 0 });
    worker.see({ ...last, delivery: (last.delivery + 0x7fff_ffff) >>> 0 });
    worker.see({ ...last, delivery: (last.delivery - 0x7fff_ffff) >>> 0 });
    // Not its consumer.
    queue.by.ask(
      { op: "seen", topic: "t", queue: "", consumer: 999, delivery: last.delivery, idLow: 0xffff_ffff, renews: true },
      2,
    );
    const foreign = { consumer: worker.request, delivery: last.delivery, idLow: 0xffff_ffff, renews: true };
    queue.by.ask({ op: "seen", topic: "t", queue: "", ...foreign }, 3);
    worker.vanish();
    expect(ready(queue)).toEqual([...numbers(4, 10), "0+1", "1+1", "2+1", "3+1"]);
  });

  it("loses what lies ahead to the TTR without a retry, and what its program holds with one", () => {
    const queue = queueOf(8);
    queue.by.configure("t", { ttr: 1000 });
    const worker = new Worker(queue.by, 2, 5);
    worker.see(worker.receive()[2]);
    queue.by.wait(1001);
    expect(ready(queue)).toEqual(["3", "4", "5", "6", "7", "0+1", "1+1", "2+1"]);
  });

  it("is told LEASE_LOST of what was given back on both sides of a message that it still holds", () => {
    const queue = queueOf(6);
    queue.by.configure("t", { ttr: 1000 });
    const messages = new Worker(queue.by, 2, 6).receive();
    queue.by.wait(600);
    touch(queue.by, messages[3]);
    queue.by.wait(500);
    expect(settle(queue.by, { op: "release" }, messages[2], 3)).toMatchObject([
      { kind: "settled", count: 1, faults: [{ error: "LEASE_LOST" }, { error: "LEASE_LOST" }] },
    ]);
    expect(ready(queue)).toEqual(numbers(0, 6));
  });

  it("renews the leases of what lies ahead with one SEEN, and of nothing else", () => {
    const queue = queueOf(60);
    queue.by.configure("t", { ttr: 1000 });
    const worker = new Worker(queue.by, 2, 50);
    const messages = worker.receive();
    queue.by.wait(600);
    worker.see(messages[9], true);
    queue.by.wait(500);
    // Ten have failed, and forty are still held.
    expect(ready(queue)).toEqual([...numbers(50, 60), ...numbers(0, 10).map((number) => `${number}+1`)]);
    worker.see(undefined, true);
    queue.by.wait(900);
    expect(statsOf(queue.by)).toMatchObject({ queues: [{ inFlight: 40 }], retried: 10, released: 0 });
    queue.by.wait(200);
    expect(ready(queue).slice(0, 41)).toEqual(numbers(10, 51));
  });

  it("renews leases that were renewed a moment ago no more, however often it asks", () => {
    const queue = queueOf(2);
    queue.by.configure("t", { ttr: 6400 });
    const worker = new Worker(queue.by, 2, 2);
    worker.receive();
    queue.by.wait(3000);
    worker.see(undefined, true);
    queue.by.wait(99);
    worker.see(undefined, true);
    queue.by.wait(6300);
    expect(statsOf(queue.by)).toMatchObject({ queues: [{ inFlight: 2 }] });
    queue.by.wait(2);
    expect(statsOf(queue.by)).toMatchObject({ queues: [{ inFlight: 0 }], released: 2 });
  });

  it("renews leases again at once when the TTR has changed since", () => {
    const queue = queueOf(2);
    queue.by.configure("t", { ttr: 1000 });
    const worker = new Worker(queue.by, 2, 2);
    worker.receive();
    worker.see(undefined, true);
    queue.by.configure("t", { ttr: 640_000 });
    queue.by.wait(500);
    worker.see(undefined, true);
    queue.by.wait(639_000);
    expect(statsOf(queue.by)).toMatchObject({ queues: [{ inFlight: 2 }] });
  });

  it("renews by the TTR that it was told, also what it is sent with a shorter one", () => {
    const queue = queueOf(1);
    queue.by.configure("t", { ttr: 64_000 });
    const worker = new Worker(queue.by, 2, 4);
    worker.receive();
    worker.see(undefined, true);
    queue.by.configure("t", { ttr: 6400 });
    for (const since of [500, 40, 40]) {
      queue.by.wait(since);
      queue.by.publish("t");
      worker.receive();
      queue.by.wait(1);
      worker.see(undefined, true);
    }
    queue.by.wait(63_000);
    expect(statsOf(queue.by)).toMatchObject({ queues: [{ inFlight: 4 }], released: 0 });
    queue.by.wait(1100);
    expect(statsOf(queue.by)).toMatchObject({ queues: [{ inFlight: 0 }], released: 4 });
  });

  it("gives back what lies ahead when it stops, if it says so, and reports on after that", () => {
    const queue = queueOf(60);
    const worker = new Worker(queue.by, 2, 50);
    const messages = worker.receive();
    worker.see(messages[1]);
    expect(worker.stop(true)).toBe(48);
    expect(ready(queue)).toEqual(numbers(2, 60));
    worker.vanish();
    expect(ready(queue)).toEqual([...numbers(2, 60), "0+1", "1+1"]);
  });

  it("gives back what lies ahead around messages that its program has touched", () => {
    const queue = queueOf(60);
    const worker = new Worker(queue.by, 2, 50);
    const messages = worker.receive();
    worker.see(messages[5]);
    touch(queue.by, messages[5], messages[2]);
    expect(worker.stop(true)).toBe(44);
    expect(ready(queue)).toEqual(numbers(6, 60));
  });

  it("can go on with what it has when it has stopped", () => {
    const queue = queueOf(10);
    const worker = new Worker(queue.by, 2);
    const messages = worker.receive();
    expect(worker.stop(false)).toBe(0);
    worker.see(messages[4]);
    worker.vanish();
    expect(ready(queue)).toEqual([...numbers(5, 10), "0+1", "1+1", "2+1", "3+1", "4+1"]);
  });

  it("has credit taken back, beyond what there is as a debt", () => {
    const queue = queueOf(30);
    const worker = new Worker(queue.by, 2, 10, true);
    const messages = worker.receive();
    expect(messages).toHaveLength(10);
    queue.by.ask({ op: "credit", topic: "t", queue: "", consumer: worker.request, credit: -6 }, 2);
    ack(queue.by, ...messages.slice(0, 6));
    expect(worker.receive()).toEqual([]);
    ack(queue.by, ...messages.slice(6, 8));
    expect(worker.receive()).toHaveLength(2);
    queue.by.ask({ op: "credit", topic: "t", queue: "", consumer: worker.request, credit: -(2 ** 32 - 1) }, 2);
    queue.by.ask({ op: "credit", topic: "t", queue: "", consumer: worker.request, credit: 2 ** 32 - 1 }, 2);
    expect(worker.receive()).toEqual([]);
    queue.by.ask({ op: "credit", topic: "t", queue: "", consumer: worker.request, credit: 3 }, 2);
    expect(worker.receive()).toHaveLength(3);
  });
});

describe("a consumer that reports, on a topic with auto-ack", () => {
  const autoAck = (count: number, credit: number) => {
    const queue = queueOf(count);
    queue.by.configure("t", { autoAck: true, ttr: 1000 });
    const worker = new Worker(queue.by, 2, credit, true);
    return { ...queue, worker, messages: worker.receive() };
  };

  it("acks what its program was handed; the rest is given back when it goes", () => {
    const { worker, messages, ...queue } = autoAck(100, 80);
    worker.see(messages[39]);
    expect(statsOf(queue.by)).toMatchObject({ acked: 40, queues: [{ inFlight: 40 }] });
    worker.vanish();
    expect(ready(queue)).toEqual(numbers(40, 100));
  });

  it("acks what its program was handed, also what that has touched", () => {
    const { worker, messages, ...queue } = autoAck(100, 80);
    touch(queue.by, messages[0], messages[35]);
    worker.see(messages[39]);
    expect(statsOf(queue.by)).toMatchObject({ acked: 40, queues: [{ inFlight: 40 }] });
  });

  it("has credit for as many messages as its program was handed", () => {
    const { worker, messages } = autoAck(100, 10);
    expect(messages).toHaveLength(10);
    worker.see(messages[3]);
    expect(worker.receive()).toHaveLength(4);
  });

  it("does so until it ends, whatever the topic is configured to", () => {
    const { worker, messages, ...queue } = autoAck(100, 10);
    queue.by.configure("t", { autoAck: false });
    worker.see(messages[9]);
    expect(statsOf(queue.by)).toMatchObject({ acked: 10 });
  });

  it("those who do not report are handed messages that are gone", () => {
    const { by } = autoAck(10, 5);
    by.consume("t", 3, "", 2);
    by.shard.turn(by.now);
    expect(by.recorder.take()).toMatchObject([{ messages: [{ delivery: 0 }, { delivery: 0 }] }]);
  });
});

describe("a poison message", () => {
  it("is dead after its limit, and its neighbours are as they were", () => {
    const queue = queueOf(1000);
    queue.by.configure("t", { retries: 3 });
    const poison = queue.ids[500];
    const done = new Set<bigint>();
    let deaths = 0;
    for (let isThereMore = true; isThereMore; ) {
      const worker = new Worker(queue.by, 2, 100, true);
      for (let isAlive = true; isAlive && isThereMore; ) {
        const messages = worker.receive();
        isThereMore = messages.length > 0;
        for (const message of messages) {
          worker.see(message);
          if (message.id === poison) {
            worker.vanish();
            deaths++;
            isAlive = false;
            break;
          }
          expect(message.retry).toBe(0);
          ack(queue.by, message);
          done.add(message.id);
        }
      }
    }
    expect([done.size, deaths]).toEqual([999, 4]);
    expect(statsOf(queue.by)).toMatchObject({ dead: 1, retried: 4, queues: [{ ready: 0, deadLetters: 1 }] });
  });
});
