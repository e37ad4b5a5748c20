/** Another number of shards has every kept message of a channel, with its position. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { shardDirectory } from "../../../src/journal/layout.js";
import { nodeDisk } from "../../../src/journal/node-disk.js";
import { reshard } from "../../../src/workers/jobs/reshard.js";
import { checksum, Keeper } from "../../journal/keeper.js";
import { knownKeys } from "../../shard/known-keys.js";
import type { SeenQueue } from "../../shard/snapshot.js";

const SIZES = { segmentBytes: 2048, pageBytes: 1024 };
const NAMES = ["a", "b", "c"];

/** Queues have other numbers in other shards. */
const unnumbered = (queues: readonly SeenQueue[]): unknown =>
  queues.map(({ number, ...queue }) => queue).sort((a, b) => (a.topic < b.topic ? -1 : 1));

/** Makes the directories of shards in a data directory of its own. */
const inData = (act: (data: string, makeShards: (generation: number, count: number) => string[]) => void): void => {
  const data = mkdtempSync(join(tmpdir(), "ringmq-reshard-"));
  try {
    act(data, (generation, count) => {
      const directories = Array.from({ length: count }, (_, shard) => shardDirectory(data, generation, shard));
      for (const directory of directories) mkdirSync(directory, { recursive: true });
      return directories;
    });
  } finally {
    rmSync(data, { recursive: true });
  }
};

it("keeps channels with their messages, epochs and positions", () => {
  inData((data, makeShards) => {
    const [directory = ""] = makeShards(1, 1);
    const keeper = new Keeper({ disk: nodeDisk, directory, ...SIZES });
    for (const [i, name] of NAMES.entries()) {
      keeper.configureChannel(name, { keep: true, maxMessages: i === 0 ? 4 : 0 });
      keeper.publish([`topic ${name}`], { topic: name });
      for (let n = 0; n < 10; n++) keeper.publishChannel(name, [`${name} ${n}`, "and another"], `key ${n}`);
    }
    keeper.configureChannel("a", { maxMessages: 1 });
    keeper.commit();
    const before = unnumbered(keeper.state);
    keeper.close();

    const about = { data, segmentBytes: SIZES.segmentBytes, now: keeper.now };
    const third = makeShards(2, 3);
    expect(reshard(nodeDisk, checksum, { ...about, generation: 1, from: 1, to: 3 })).toMatchObject({ topics: 3 });
    const spread = third.map(
      (each) => new Keeper({ disk: nodeDisk, directory: each, shard: third.indexOf(each), ...SIZES }),
    );
    expect(spread.filter(({ state }) => state.length > 0).length).toBeGreaterThan(1);
    expect(unnumbered(spread.flatMap(({ state }) => state))).toEqual(before);
    for (const each of spread) each.close();

    const [back = ""] = makeShards(3, 1);
    reshard(nodeDisk, checksum, { ...about, generation: 2, from: 3, to: 1 });
    const again = new Keeper({ disk: nodeDisk, directory: back, ...SIZES });
    expect(unnumbered(again.state)).toEqual(before);
    again.publishChannel("a", ["the next"]);
    expect(again.state.find(({ topic }) => topic === "channel a")?.config).toMatchObject({ next: 21 });
  });
});

it("keeps the keys of messages, those as well whose messages are gone", () => {
  inData((data, makeShards) => {
    const [directory = ""] = makeShards(1, 1);
    const keeper = new Keeper({ disk: nodeDisk, directory, ...SIZES });
    for (const topic of NAMES) {
      keeper.publishKeyed(["gone", "windowless"], 0, { topic });
      keeper.publishKeyed(["gone too"], 3_600_000, { topic });
      keeper.ack(keeper.pop(3, topic), topic);
      keeper.publishKeyed(["one", "", "two"], 0, { topic, delay: 1_000_000 });
      keeper.publishKeyed(["three"], 3_600_000, { topic });
      for (let i = 0; i < 20; i++) {
        keeper.publish(["filler"], { topic });
        keeper.ack(keeper.pop(5, topic), topic);
      }
    }
    keeper.commit();
    const known = knownKeys(keeper.shard);
    expect(known.size).toBe(3 * 4);
    keeper.close();

    const about = { data, segmentBytes: SIZES.segmentBytes, now: keeper.now };
    const open = (directories: readonly string[]): Keeper[] =>
      directories.map(
        (each, shard) => new Keeper({ disk: nodeDisk, directory: each, shard, ...SIZES, now: keeper.now }),
      );
    const all = (keepers: readonly Keeper[]): unknown[] => keepers.flatMap(({ shard }) => [...knownKeys(shard)]).sort();
    const third = makeShards(2, 3);
    reshard(nodeDisk, checksum, { ...about, generation: 1, from: 1, to: 3 });
    const spread = open(third);
    expect(spread.filter(({ shard }) => knownKeys(shard).size > 0).length).toBeGreaterThan(1);
    expect(all(spread)).toEqual([...known].sort());
    for (const each of spread) each.close();
    const back = makeShards(3, 1);
    reshard(nodeDisk, checksum, { ...about, generation: 2, from: 3, to: 1 });
    const again = open(back);
    expect(all(again)).toEqual([...known].sort());
    expect(again[0]?.publishKeyed(["three"], 0, { topic: "a" })).toMatchObject([{ kind: "duplicate" }]);
  });
});
