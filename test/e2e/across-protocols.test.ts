import { describe, expect, it } from "vitest";
import { testBroker } from "./brokers.js";
import { type PoppedMessage, type WayIn, waysIn } from "./gmq-clients.js";

const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
const TEXT = 'tab\t, quote ", backslash \\, NUL \0, line\nfeed, é, 中文, 🐇, \u2028';

/** What a protocol of text makes of bytes. */
const asText = (body: Buffer): Buffer => Buffer.from(body.toString("utf8"));

const must = <T>(value: T | undefined, what: string): T => {
  if (value === undefined) throw new Error(`${what} is missing`);
  return value;
};

/** Pops until something comes: for what is due soon. */
const popSoon = async (way: WayIn, topic: string): Promise<PoppedMessage> => {
  for (;;) {
    const message = await way.pop(topic);
    if (message !== undefined) return message;
  }
};

describe("across protocols", () => {
  it("what one pushes another pops, and a third acks", async () => {
    const broker = await testBroker({ shards: 2 });
    const ways = await waysIn(broker);
    let exchanges = 0;
    for (const pushing of ways) {
      for (const popping of ways) {
        for (const acking of ways) {
          // An id that a client has chosen is known to its own protocol alone.
          const isKnown = pushing.hasMessageIds || popping.hasMessageIds;
          if (acking !== popping && (!isKnown || !acking.hasMessageIds)) continue;
          exchanges++;
          const what = `${pushing.name}-${popping.name}-${acking.name}`;
          await pushing.push(what, Buffer.from(TEXT));
          const message = must(await popping.pop(what), what);
          expect({ what, body: `${message.body}`, retry: message.retry }).toEqual({ what, body: TEXT, retry: 0 });
          await acking.ack(what, message.id);
          await expect(acking.ack(what, message.id), what).rejects.toThrow();
        }
      }
    }
    expect(exchanges).toBeGreaterThan(45);
    expect(broker.broker.usage.unsentBytes).toBe(0);
  });

  it("all 256 bytes arrive whole where both can carry them, and as text where one cannot", async () => {
    const ways = await waysIn(await testBroker());
    for (const pushing of ways) {
      for (const popping of ways) {
        const topic = `${pushing.name}-${popping.name}`;
        await pushing.push(topic, pushing.pushesBytes ? ALL_BYTES : asText(ALL_BYTES));
        const { body, id } = must(await popping.pop(topic), topic);
        const isWhole = pushing.pushesBytes && popping.popsBytes;
        expect(body.equals(isWhole ? ALL_BYTES : asText(ALL_BYTES)), topic).toBe(true);
        await popping.ack(topic, id);
      }
    }
  });

  it("what is not acked comes back to any of them, with its retries, and is a dead letter beyond the limit", async () => {
    const broker = await testBroker();
    const retried = async (index: number): Promise<void> => {
      const ways = await waysIn(broker);
      const [http, line, , native] = ways;
      const way = must(ways[index], `way ${index}`);
      const topic = `retried-over-${way.name}`;
      await fetch(`http://127.0.0.1:${broker.http}/config?topic=${topic}&msgTTR=1&msgRetry=5`);
      await must(http, "http").push(topic, Buffer.from("again"));
      const retries: number[] = [];
      const ids = new Set<string>();
      for (let i = 0; i <= 5; i++) {
        const message = await popSoon(way, topic);
        retries.push(message.retry);
        ids.add(message.id);
      }
      expect(retries, topic).toEqual([0, 1, 2, 3, 4, 5]);
      expect(ids.size).toBe(1);
      let dead: PoppedMessage | undefined;
      while (dead === undefined) dead = await must(line, "line").popDead?.(topic);
      const seen = { id: dead.id, body: `${dead.body}`, retry: dead.retry };
      expect(seen).toEqual({ id: [...ids][0], body: "again", retry: 6 });
      await must(native, "native").ack(topic, dead.id);
      expect(await way.pop(topic)).toBeUndefined();
    };
    await Promise.all([0, 1, 2, 3].map(retried));
  }, 60_000);

  it("a delay counts from the push, whoever pops", async () => {
    const ways = await waysIn(await testBroker());
    for (const pushing of ways) {
      const topic = `delayed-${pushing.name}`;
      const begin = performance.now();
      await pushing.push(topic, Buffer.from("later"), { delay: 1 });
      for (const popping of ways) if (popping.name !== "frame") expect(await popping.pop(topic)).toBeUndefined();
      await popSoon(must(ways.at(-1), "native"), topic);
      expect(performance.now() - begin).toBeGreaterThan(980);
    }
  });

  it("a pattern reaches queues whoever sends it, and one that cannot be matched in linear time is refused", async () => {
    const broker = await testBroker();
    const ways = (await waysIn(broker)).filter(({ name }) => name !== "frame");
    for (const way of ways) {
      const topic = `routed-${way.name}`;
      const ask = async (path: string): Promise<unknown> =>
        (await fetch(`http://127.0.0.1:${broker.http}${path}`)).json();
      await ask(`/config?topic=${topic}&mode=2`);
      for (const key of ["homework.math", "homework.art", "games"])
        await ask(`/declareQueue?topic=${topic}&bindKey=${key}`);
      await way.push(topic, Buffer.from("read"), { routeKey: "^homework" });
      const popped = [];
      for (const key of ["homework.math", "homework.art", "games"])
        popped.push(await ask(`/pop?topic=${topic}&bindKey=${key}`));
      expect(popped.map((answer) => (answer as { code: number }).code)).toEqual([0, 0, 1]);
      await expect(way.push(topic, Buffer.from("x"), { routeKey: "(a)\\1" })).rejects.toThrow();
      await expect(way.push(topic, Buffer.from("x"), { routeKey: "nothing-like-it" })).rejects.toThrow();
      // What backtracks for centuries elsewhere.
      await expect(way.push(topic, Buffer.from("x"), { routeKey: "^(h+)+(o+)+$" })).rejects.toThrow();
    }
  });
});
