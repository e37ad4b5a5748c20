/** Clients with frames whose shard dies under them. */
import { expect, it } from "vitest";
import { ack, FrameClient, MESSAGE, pop, push } from "../conformance/gmq-frame-client.js";
import { testBroker } from "./brokers.js";

const idOf = (answer: string): number => Number(/"Id":(\d+)/.exec(answer)?.[1]);

it("loses no job that was confirmed, and gives none back that was acked, when a shard dies again and again", async () => {
  const { broker, tcp, http } = await testBroker({ shards: 1 });
  const test = { broker, tcp, http };
  const [publisher, consumer] = [await FrameClient.open(test), await FrameClient.open(test)];
  const confirmed = new Set<number>();
  const received = new Set<number>();
  const acked = new Set<number>();
  let isOver = false;
  let id = 0;

  const publish = async (): Promise<void> => {
    while (!isOver) {
      const ids = Array.from({ length: 20 }, () => ++id);
      publisher.send(...ids.map((Id) => push({ Id, Topic: Id % 2 ? "a" : "b", TTR: 600, Body: "b" })));
      const answers = await publisher.hears(ids.length);
      for (const [i, each] of ids.entries()) if (answers[i] === MESSAGE(`${each}`)) confirmed.add(each);
    }
  };

  /** Answers how many jobs came. */
  const consume = async (count: number): Promise<number> => {
    consumer.send(...Array.from({ length: count }, () => pop("a,b")));
    const ids = (await consumer.hears(count)).filter((answer) => answer.startsWith("0 ")).map(idOf);
    for (const each of ids) {
      expect(acked.has(each)).toBe(false);
      received.add(each);
    }
    consumer.send(...ids.map(ack));
    const answers = await consumer.hears(ids.length);
    for (const [i, each] of ids.entries()) if (answers[i] === MESSAGE("success")) acked.add(each);
    return ids.length;
  };

  const publishing = publish();
  for (let kills = 0; kills < 3; kills++) {
    const enough = received.size + 100;
    while (received.size < enough) await consume(20);
    await broker.supervisor.kill(0);
  }
  isOver = true;
  await publishing;
  // Each pop of nothing waits for seconds.
  while ((await consume(1)) > 0);
  expect(confirmed.size).toBeGreaterThan(100);
  expect([...confirmed].filter((each) => !received.has(each))).toEqual([]);
});
