/**
 * Draining inside a loop and outside. Timers stand still until a test moves them; sockets do not.
 */
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { deferred } from "../../../src/client/base/deferred.js";
import type { Subscription } from "../../../src/client/channels/subscription.js";
import type { Client } from "../../../src/client/client.js";
import type { Consumer } from "../../../src/client/consume/consumer.js";
import type { Message } from "../../../src/client/consume/message.js";
import type { MessageBatch } from "../../../src/client/consume/message-batch.js";
import { Answer, Op } from "../../../src/protocol/op.js";
import { answerTo, connected, entries, frame, runs, type ScriptedBroker, selectionsOf } from "../scripted-broker.js";

/** How long a loop may stay at a message that it has settled, at one that it holds, and at one of a channel. */
const SETTLED = 1000;
const HOLDING = 3000;
const PATIENCE = 1000;
/** What the interval of the checks adds. */
const LOOK = 100;
const DRAIN_TIMEOUT = 30_000;
/** Timers of a drain of a consumer: its own, and the one that looks after what is unread. */
const WATCHED = 2;

const DELIVERY = 7;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
});

/** Moves time once there are this many timers. */
const pass = async (milliseconds: number, timers = 1): Promise<void> => {
  while (vi.getTimerCount() < timers) await turn();
  await vi.advanceTimersByTimeAsync(milliseconds);
  await turn();
};

/** A client whose broker answers everything. */
const answered = async (autoAck = false): Promise<{ readonly client: Client; readonly broker: ScriptedBroker }> => {
  const { client, broker } = await connected();
  broker.answer = (seen) => broker.send(answerTo(seen, autoAck));
  return { client, broker };
};

type Consuming = { readonly client: Client; readonly broker: ScriptedBroker; readonly consumer: Consumer };

/** A consumer with the messages 10 to 12. */
const consuming = async (autoAck = false): Promise<Consuming> => {
  const { client, broker } = await answered(autoAck);
  const consumer = await client.consume("orders");
  const { request } = await broker.nth(Op.CONSUME);
  const bodies = ["10", "11", "12"];
  broker.send(frame(Answer.MESSAGES, request, [], runs({ high: 1, low: 10, delivery: DELIVERY, bodies })));
  await client.ping();
  return { client, broker, consumer };
};

const subscribed = async (): Promise<{ readonly client: Client; readonly subscription: Subscription }> => {
  const { client, broker } = await answered();
  const subscription = await client.subscribe("news");
  broker.send(frame(Answer.CHANNEL_MESSAGES, 0, ["news"], entries("a", "b", "c")));
  await client.ping();
  return { client, subscription };
};

/** Reads a consumer, and does something more at its first message. */
const reading = async (consumer: Consumer, atFirst: (message: Message) => Promise<void>): Promise<string[]> => {
  const seen: string[] = [];
  for await (const message of consumer) {
    seen.push(message.text());
    if (seen.length === 1) await atFirst(message);
    else void message.ack();
  }
  return seen;
};

/** As `reading`, in batches. The first one has been read when the rest comes. */
const readingBatches = async (
  { broker, consumer, client }: Consuming,
  atFirst: (batch: MessageBatch) => Promise<void>,
): Promise<string[][]> => {
  const seen: string[][] = [];
  const { request } = await broker.nth(Op.CONSUME);
  for await (const batch of consumer.batches()) {
    seen.push([...batch].map((message) => message.text()));
    if (seen.length > 1) continue;
    broker.send(
      frame(Answer.MESSAGES, request, [], runs({ high: 1, low: 20, delivery: DELIVERY, bodies: ["20", "21"] })),
    );
    await client.ping();
    await atFirst(batch);
  }
  return seen;
};

const selected = (broker: ScriptedBroker, op: number): number[][] =>
  broker.frames.filter((seen) => seen.op === op).flatMap(selectionsOf);

/** Waits for a drain that ends after this time, within one interval of the checks. A client's drain has its own timer. */
const ends = async (drained: Promise<void>, milliseconds: number, timers = 1): Promise<void> => {
  let isOver = false;
  void drained.then(() => {
    isOver = true;
  });
  await pass(milliseconds - LOOK, timers);
  expect(isOver).toBe(false);
  await pass(2 * LOOK, timers);
  await drained;
};

/** A drain that is called inside a loop, as seen from outside. */
const inLoop = (drain: () => Promise<void>): { readonly called: Promise<void>; readonly wait: () => Promise<void> } => {
  const { promise, resolve } = deferred<void>();
  return {
    called: promise,
    wait: () => {
      const drained = drain();
      resolve(drained);
      return drained;
    },
  };
};

describe("a consumer that is drained in its own loop", () => {
  it("ends a second after its message was settled, and gives back what is unread", async () => {
    const { broker, consumer } = await consuming();
    const { called, wait } = inLoop(() => consumer.drain());
    const loop = reading(consumer, async (message) => {
      await message.ack();
      await wait();
    });
    await ends(called, SETTLED, WATCHED);
    expect(await loop).toEqual(["10"]);
    expect([selected(broker, Op.ACK), selected(broker, Op.RELEASE)]).toEqual([[[10, 1, 7]], [[11, 2, 7]]]);
  });

  it("ends after three seconds at a message that it holds, which it can settle then", async () => {
    const { client, broker, consumer } = await consuming();
    const { called, wait } = inLoop(() => consumer.drain());
    const loop = reading(consumer, async (message) => {
      await wait();
      await message.ack();
    });
    await ends(called, HOLDING, WATCHED);
    expect(await loop).toEqual(["10"]);
    expect([selected(broker, Op.ACK), selected(broker, Op.RELEASE)]).toEqual([[[10, 1, 7]], [[11, 2, 7]]]);
    expect(client.pendingBytes).toBe(0);
  });

  it("gives back what is unread of a topic that acks by itself, too", async () => {
    const { broker, consumer } = await consuming(true);
    const { called, wait } = inLoop(() => consumer.drain());
    const loop = reading(consumer, wait);
    await ends(called, SETTLED, WATCHED);
    expect(await loop).toEqual(["10"]);
    expect([selected(broker, Op.SEEN), selected(broker, Op.RELEASE)]).toEqual([[[10, 1, 7]], [[11, 2, 7]]]);
  });

  it("ends at once when nothing is unread and it goes on", async () => {
    const { consumer } = await consuming();
    const drains: Promise<void>[] = [];
    const loop = reading(consumer, async (message) => {
      drains.push(consumer.drain());
      await message.ack();
    });
    expect(await loop).toEqual(["10", "11", "12"]);
    await Promise.all(drains);
  });
});

describe("a consumer that is drained in the loop over its batches", () => {
  it("ends a second after its batch was settled, and gives back what is unread", async () => {
    const all = await consuming();
    const { called, wait } = inLoop(() => all.consumer.drain());
    const loop = readingBatches(all, async (batch) => {
      await batch.ack();
      await wait();
    });
    await ends(called, SETTLED, WATCHED);
    expect(await loop).toEqual([["10", "11", "12"]]);
    expect([selected(all.broker, Op.ACK), selected(all.broker, Op.RELEASE)]).toEqual([[[10, 3, 7]], [[20, 2, 7]]]);
  });

  it("ends after three seconds at a batch that it holds, which it can settle then", async () => {
    const all = await consuming();
    const { called, wait } = inLoop(() => all.consumer.drain());
    const loop = readingBatches(all, async (batch) => {
      await wait();
      await batch.ack();
    });
    await ends(called, HOLDING, WATCHED);
    expect(await loop).toEqual([["10", "11", "12"]]);
    expect([selected(all.broker, Op.ACK), selected(all.broker, Op.RELEASE)]).toEqual([[[10, 3, 7]], [[20, 2, 7]]]);
  });
});

describe("a subscription that is drained in its own loop", () => {
  it("ends after a second, and the loop reads the rest before it ends", async () => {
    const { subscription } = await subscribed();
    const { called, wait } = inLoop(() => subscription.drain());
    const loop = (async () => {
      const seen: string[] = [];
      for await (const message of subscription) {
        seen.push(message.text());
        if (seen.length === 1) await wait();
      }
      return seen;
    })();
    await ends(called, PATIENCE);
    expect(await loop).toEqual(["a", "b", "c"]);
  });
});

describe("a client that is drained in a loop", () => {
  it("over a consumer closes a second after the message was settled; what is unread goes back before", async () => {
    const { client, broker, consumer } = await consuming();
    const { called, wait } = inLoop(() => client.drain());
    const loop = reading(consumer, async (message) => {
      await message.ack();
      await wait();
    });
    await ends(called, SETTLED, WATCHED + 1);
    expect(await loop).toEqual(["10"]);
    expect([selected(broker, Op.ACK), selected(broker, Op.RELEASE)]).toEqual([[[10, 1, 7]], [[11, 2, 7]]]);
  });

  it("over a consumer that holds its message closes at the time-out", async () => {
    const { client, broker, consumer } = await consuming();
    const { called, wait } = inLoop(() => client.drain());
    const loop = reading(consumer, wait);
    await ends(called, DRAIN_TIMEOUT, WATCHED + 1);
    expect(await loop).toEqual(["10"]);
    expect(selected(broker, Op.RELEASE)).toEqual([]);
  });

  it("over batches closes a second after the batch was settled; what is unread goes back before", async () => {
    const all = await consuming();
    const { called, wait } = inLoop(() => all.client.drain());
    const loop = readingBatches(all, async (batch) => {
      await batch.ack();
      await wait();
    });
    await ends(called, SETTLED, WATCHED + 1);
    expect(await loop).toEqual([["10", "11", "12"]]);
    expect(selected(all.broker, Op.RELEASE)).toEqual([[20, 2, 7]]);
  });

  it("over a subscription closes after a second, and the loop reads the rest", async () => {
    const { client, subscription } = await subscribed();
    const { called, wait } = inLoop(() => client.drain());
    const loop = (async () => {
      const seen: string[] = [];
      for await (const message of subscription) {
        seen.push(message.text());
        if (seen.length === 1) await wait();
      }
      return seen;
    })();
    await ends(called, PATIENCE, 2);
    expect(await loop).toEqual(["a", "b", "c"]);
  });
});

describe("a loop that has asked for its next message when it is drained from outside", () => {
  it("and waits for that drain at the next one, ends as if it had called it", async () => {
    const { broker, consumer } = await consuming();
    const { request } = await broker.nth(Op.CONSUME);
    const late = frame(
      Answer.MESSAGES,
      request,
      [],
      runs({ high: 1, low: 20, delivery: DELIVERY, bodies: ["20", "21"] }),
    );
    broker.answer = (seen) => {
      if (seen.op === Op.STOP) broker.send(late);
      broker.send(answerTo(seen));
    };
    const seen: string[] = [];
    let acked = 0;
    let stopping: Promise<void> | undefined;
    const loop = (async () => {
      for await (const message of consumer) {
        seen.push(message.text());
        await message.ack();
        acked++;
        await stopping;
      }
    })();
    while (acked < 3) await turn();
    // Now the loop asks for more.
    await turn();
    stopping = consumer.drain();
    await ends(stopping, SETTLED, WATCHED);
    await loop;
    expect([seen, selected(broker, Op.RELEASE)]).toEqual([["10", "11", "12", "20"], [[21, 1, 7]]]);
  });
});

describe("a loop that is busy with a message when it is drained from outside", () => {
  it.each(["consumer", "client"] as const)("settles it and reads the rest, and the %s's drain waits", async (whose) => {
    const { client, broker, consumer } = await consuming();
    const work = deferred<void>();
    const isAt = deferred<void>();
    const acked: Promise<void>[] = [];
    const loop = reading(consumer, async (message) => {
      isAt.resolve();
      await work.promise;
      acked.push(message.ack());
      await Promise.all(acked);
    });
    await isAt.promise;
    const drained = whose === "client" ? client.drain() : consumer.drain();
    let isDrained = false;
    void drained.then(() => {
      isDrained = true;
    });
    await pass(HOLDING - LOOK, WATCHED);
    expect(isDrained).toBe(false);
    work.resolve();
    expect(await loop).toEqual(["10", "11", "12"]);
    await Promise.all([drained, ...acked, broker.seen(Op.ACK, 3)]);
    expect([selected(broker, Op.ACK), selected(broker, Op.RELEASE)]).toEqual([
      [
        [10, 1, 7],
        [11, 1, 7],
        [12, 1, 7],
      ],
      [],
    ]);
  });
});
