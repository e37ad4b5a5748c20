/**
 * Three servers of memmq that are killed and started again, one after another, under load through a proxy and through a
 * chain of two. RINGMQ_FLEET_SECONDS says how long, RINGMQ_FLEET_PERSIST=1 that the servers keep what they are sent, and
 * RINGMQ_FLEET_RETRIES how often proxies try a server again, which takes up to a second each time.
 */
import { expect, it, onTestFinished } from "vitest";
import type { ClientOptions, MemmqClient } from "../../src/memmq-client/index.js";
import { FleetServer, Traffic } from "./memmq-fleet.js";
import { Shell } from "./shell.js";

const { createClient } = (await import(
  "../../dist/memmq-client/index.js" as string
)) as typeof import("../../src/memmq-client/index.js");

const { RINGMQ_FLEET_SECONDS = "0", RINGMQ_FLEET_PERSIST = "0", RINGMQ_FLEET_RETRIES = "0" } = process.env;
const MILLISECONDS = Number(RINGMQ_FLEET_SECONDS) * 1_000;
const IS_KEPT = RINGMQ_FLEET_PERSIST === "1";

/** Each server once at least. */
const KILLS = 3;

/** Of topics through each way. */
const SHARDED = 4;
const ON_ALL = 2;

/** Publishes of each topic that go on while a server is down. */
const PUBLISHES = 10;

const testClient = (options: ClientOptions): MemmqClient => {
  const client = createClient({ insecure: true, ...options });
  onTestFinished(() => client.close());
  return client;
};

it(
  "servers that are killed one after another cost the topics of the others nothing, with all nobody, and come back by themselves",
  async () => {
    const servers = await Promise.all([1, 2, 3].map(() => FleetServer.start(IS_KEPT ? "--persist" : "")));
    onTestFinished(() => Promise.all(servers.map((server) => server.kill())).then(() => {}));
    const urls = servers.map(({ url }) => url);
    const shell = new Shell();
    const proxy = async (behind: string, select: string): Promise<string> => {
      const flags = `--servers=${behind} --select=${select} --retries=${RINGMQ_FLEET_RETRIES}`;
      const running = shell.program(`memmq --proxy --address=127.0.0.1:0 ${flags}`);
      // Its servers stand on a line before.
      return (await running.said(/(?<=\n {2})https:\/\/127\.0\.0\.1:\d+(?=\n)/)).trim();
    };
    const inner = await Promise.all(["shard", "all"].map((select) => proxy(urls.join(), select)));
    const outer = await Promise.all(inner.map((url) => proxy(url, "all")));
    const shards = testClient({ servers: urls, selector: "shard" });
    const direct = urls.map((url) => testClient({ servers: [url] }));

    let down: string | undefined;
    const traffic = (way: string, url: string | undefined, topics: number, isSharded: boolean): Traffic[] =>
      Array.from({ length: topics }, (_, i) => {
        const topic = `${way}-${i}`;
        const clients = [0, 1].map(() => testClient({ servers: [url ?? ""], retries: 0 })) as [
          MemmqClient,
          MemmqClient,
        ];
        return new Traffic(topic, ...clients, () => isSharded && shards.serversOf(topic)[0] === down);
      });
    const sharded = [...traffic("shard", inner[0], SHARDED, true), ...traffic("shard-chain", outer[0], SHARDED, true)];
    const onAll = [...traffic("all", inner[1], ON_ALL, false), ...traffic("all-chain", outer[1], ON_ALL, false)];
    const all = [...sharded, ...onAll];
    await Promise.all(all.map((one) => one.begin()));

    const end = performance.now() + MILLISECONDS;
    let kills = 0;
    for (; kills < KILLS || performance.now() < end; kills++) {
      const killed = kills < KILLS ? kills : Math.floor(Math.random() * servers.length);
      const its = sharded.filter(({ topic }) => shards.serversOf(topic)[0] === urls[killed]);
      const others = all.filter((one) => !its.includes(one));
      await Promise.all(all.map((one) => one.isConfirmed(PUBLISHES)));
      down = urls[killed];
      const found = IS_KEPT ? [] : its.map((one) => one.losing());
      await servers[killed]?.kill();
      await Promise.all([...its.map((one) => one.isRefused()), ...others.map((one) => one.isConfirmed(PUBLISHES))]);
      await servers[killed]?.start();
      // Nobody does anything for it: who was subscribed there hears what it alone is told.
      const [server = shards, name] = [direct[killed], `${kills}`];
      await Promise.all([...its, ...onAll].map((one) => one.isHeardFrom(server, name)));
      down = undefined;
      for (const isOver of found) isOver();
    }
    await Promise.all(all.map((one) => one.rest()));
    await Promise.race([
      Promise.all(all.map((one) => one.isComplete())),
      new Promise((resolve) => setTimeout(resolve, 20_000)),
    ]);

    for (const { topic, missing, invented } of all)
      expect({ topic, missing, invented }).toEqual({ topic, missing: [], invented: [] });
    const codes = new Map<string, number>();
    for (const one of sharded) for (const [code, count] of one.codes) codes.set(code, (codes.get(code) ?? 0) + count);
    expect([...codes.keys()]).toEqual(["BUSY"]);
    expect(onAll.map((one) => [...one.codes])).toEqual(onAll.map(() => []));
    const sum = (of: (one: Traffic) => number): number => all.reduce((total, one) => total + of(one), 0);
    if (MILLISECONDS > 0) {
      console.log(
        `${kills} kills: ${sum(({ sent }) => sent)} published, ${sum(({ confirmed }) => confirmed)} confirmed, ` +
          `refused ${JSON.stringify([...codes])}, ${sum(({ doubles }) => doubles)} heard twice`,
      );
    }
  },
  120_000 + MILLISECONDS,
);
