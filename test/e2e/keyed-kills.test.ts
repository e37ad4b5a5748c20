/** A key is that of one message, however often its broker is killed, with however many shards it is started again. */
import { expect, it } from "vitest";
import type { Client } from "../../src/client/client.js";
import { testDirectory } from "./brokers.js";
import { clientOf } from "./clients.js";
import { ANY_PORT, started } from "./program.js";

/** Kills, each of a broker with its own number of shards; segments are small, so that most are reclaimed or compacted. */
const { RINGMQ_KILLS = "3" } = process.env;
const SHARDS = [1, 2, 3];
const BATCH = 50;
const BATCHES_PER_LIFE = 25;
const WINDOW = 3_600_000;
/** A client that ends with its broker: what was not answered is published again by the next one, with new numbers. */
const ONE_LIFE = { tcp: "tcp", client: { reconnect: false } } as const;

/** Publishes the jobs from `from` on in batches until the broker is gone. Answers the first job that was not confirmed. */
const publish = async (client: Client, topic: string, from: number, keyWindow: number): Promise<number> => {
  for (let next = from; ; next += BATCH) {
    const keys = Array.from({ length: BATCH }, (_, i) => `job ${next + i}`);
    try {
      await client.publishBatch(topic, keys, { keys, keyWindow });
    } catch {
      return next;
    }
  }
};

/** Acks what comes until the broker is gone. Notes the ids under which each job came. */
const work = async (client: Client, topic: string, ids: Map<string, Set<string>>): Promise<void> => {
  try {
    for await (const message of await client.consume(topic)) {
      const job = message.text();
      ids.set(job, (ids.get(job) ?? new Set()).add(message.id));
      message.ack().catch(() => {});
    }
  } catch {
    // It was killed.
  }
};

it("stores each job once, though two programs publish all of them again and again", { timeout: 120_000 }, async () => {
  const data = testDirectory();
  const start = (shards: number) =>
    started([...ANY_PORT, "--shards", String(shards), "--segment-bytes", "64kb"], { RINGMQ_DATA: data });
  const worked = new Map<string, Set<string>>();
  let confirmed = { waiting: 0, worked: 0 };
  for (let life = 0; life < Number(RINGMQ_KILLS); life++) {
    const broker = await start(SHARDS[life % SHARDS.length] ?? 1);
    const clients = await Promise.all([0, 1].map(() => clientOf(broker.tcp, ONE_LIFE)));
    const worker = await clientOf(broker.tcp, ONE_LIFE);
    const working = work(worker, "worked", worked);
    // Each begins well before what is known to be there.
    const back = { waiting: Math.max(0, confirmed.waiting - 500), worked: Math.max(0, confirmed.worked - 500) };
    const runs = clients.flatMap((client) => [
      publish(client, "waiting", back.waiting, 0),
      publish(client, "worked", back.worked, WINDOW),
    ]);
    const target = confirmed.waiting + BATCHES_PER_LIFE * BATCH;
    const probe = await clientOf(broker.tcp, ONE_LIFE);
    const isFar = async (): Promise<boolean> => (await probe.lookup("waiting", { key: `job ${target}` })) !== undefined;
    await expect.poll(() => isFar().catch(() => false), { timeout: 30_000 }).toBe(true);
    broker.child.kill("SIGKILL");
    await Promise.all([broker.exit, working]);
    const ends = await Promise.all(runs);
    confirmed = {
      waiting: Math.max(ends[0] ?? 0, ends[2] ?? 0),
      worked: Math.max(ends[1] ?? 0, ends[3] ?? 0),
    };
  }
  const { tcp } = await start(2);
  const client = await clientOf(tcp);
  const keys = Array.from({ length: confirmed.waiting }, (_, i) => `job ${i}`);
  expect((await client.publishBatch("waiting", keys, { keys })).duplicates).toHaveLength(keys.length);
  const found: string[] = [];
  await client.configure("waiting", { autoAck: true });
  for (let messages = await client.pop("waiting", { max: 8192 }); messages.length > 0; ) {
    for (const message of messages) found.push(message.text());
    messages = await client.pop("waiting", { max: 8192 });
  }
  const all = new Set(found);
  expect(all.size).toBe(found.length);
  expect(keys.filter((key) => !all.has(key))).toEqual([]);
  // What was done with a window is known as well, and came under one id.
  const done = Array.from({ length: confirmed.worked }, (_, i) => `job ${i}`);
  const again = await client.publishBatch("worked", done, { keys: done, keyWindow: WINDOW });
  expect(again.duplicates).toHaveLength(done.length);
  for (const [job, ids] of worked) expect([job, ids.size]).toEqual([job, 1]);
  expect(worked.size).toBeGreaterThan(BATCH);
});
