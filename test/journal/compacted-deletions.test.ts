/**
 * What a compacted segment says of queues and topics that were deleted. A later segment names all that there are; where
 * that one is damaged, and a repair makes do with the others, what was deleted does not come back all the same.
 */
import { renameSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { repairData } from "../../src/inspection/repair.js";
import { compact } from "../../src/journal/compact.js";
import { nodeDisk } from "../../src/journal/node-disk.js";
import { planKeeps } from "../../src/shard/compaction/keep-plan.js";
import { bodies, bytesOf, damage, keeperOf, pathOf, shardOf, temporary } from "../inspection/data.js";
import { checksum, type Keeper } from "./keeper.js";

const endSegment = (keeper: Keeper): void => {
  keeper.shard.store.log.seal();
  keeper.commit();
};

/** Puts a compacted segment in the place of one. */
const compactOne = (keeper: Keeper, data: string, sequence: number): void => {
  const { store } = keeper.shard;
  const { all } = store.log.segments;
  const path = join(shardOf(data), "compact.tmp");
  const earlier = all.filter((segment) => segment.sequence < sequence);
  compact(nodeDisk, checksum, {
    directory: shardOf(data),
    sequences: [sequence],
    head: { sequence, replaces: sequence, created: keeper.now, shard: 0, shards: 1 },
    path,
    pageBytes: store.log.pages.pageBytes,
    before: Float64Array.from(earlier.flatMap(({ firstId, lastId }) => [firstId, lastId])),
    ...planned(keeper, sequence),
  });
  renameSync(path, pathOf(data, sequence));
};

const planned = (keeper: Keeper, sequence: number) => {
  const { store } = keeper.shard;
  const { keeps, claims, directory, failures } = planKeeps(
    store,
    new Set(store.log.segments.all.filter((segment) => segment.sequence === sequence)),
  );
  return { keeps, claims, bodies: directory, failures };
};

const names = ({ shard }: Keeper): string[] =>
  [...shard.directory.topics].flatMap(({ name, queues }) => [
    name,
    ...[...queues.keys()].map((key) => `${name}/${key}`),
  ]);

it("leaves what was deleted deleted", () => {
  const data = temporary();
  const keeper = keeperOf(data);
  keeper.configure("gone", { ttr: 1000 });
  keeper.administer("declareQueue", "t", "emptied");
  keeper.publish(bodies(3, "kept"));
  endSegment(keeper);
  keeper.administer("deleteQueue", "t", "emptied");
  keeper.administer("deleteTopic", "gone", "");
  keeper.publish(bodies(3, "behind"));
  endSegment(keeper);
  keeper.publish(bodies(1, "later"));
  keeper.commit();
  expect(names(keeper)).toEqual(["t", "t/default"]);
  keeper.close();
  compactOne(keeper, data, 2);
  damage(data, 3, 0, bytesOf(data, 3).length);
  const out = join(temporary(), "out");
  repairData(nodeDisk, data, out, checksum, keeper.now, () => {});
  expect(names(keeperOf(out))).toEqual(["t", "t/default"]);
});
