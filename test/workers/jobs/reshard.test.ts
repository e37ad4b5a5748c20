/** Another number of shards has every kept message of a channel, with its position. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { shardDirectory } from "../../../src/journal/layout.js";
import { nodeDisk } from "../../../src/journal/node-disk.js";
import { reshard } from "../../../src/workers/jobs/reshard.js";
import { checksum, Keeper } from "../../journal/keeper.js";
import type { SeenQueue } from "../../shard/snapshot.js";

const SIZES = { segmentBytes: 2048, pageBytes: 1024 };
const NAMES = ["a", "b", "c"];

/** Queues have other numbers in other shards. */
const unnumbered = (queues: readonly SeenQueue[]): unknown =>
  queues.map(({ number, ...queue }) => queue).sort((a, b) => (a.topic < b.topic ? -1 : 1));

it("keeps channels with their messages, epochs and positions", () => {
  const data = mkdtempSync(join(tmpdir(), "ringmq-reshard-"));
  const makeShards = (generation: number, count: number): string[] => {
    const directories = Array.from({ length: count }, (_, shard) => shardDirectory(data, generation, shard));
    for (const directory of directories) mkdirSync(directory, { recursive: true });
    return directories;
  };
  try {
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
  } finally {
    rmSync(data, { recursive: true });
  }
});
