import { join } from "node:path";
import { expect, it } from "vitest";
import { dumpData } from "../../src/inspection/dump.js";
import { DataDirectoryError } from "../../src/journal/damage-error.js";
import { nodeDisk } from "../../src/journal/node-disk.js";
import { checksum } from "../journal/keeper.js";
import { keeperOf, temporary } from "./data.js";

it("shows the records of a shard, and says so when there is no such shard or segment", () => {
  const data = join(temporary(), "data");
  const keeper = keeperOf(data);
  keeper.publish(["m"]);
  keeper.commit();
  keeper.close();
  const dump = (shard: number, from?: number) => [...dumpData(nodeDisk, data, checksum, { shard, from })];
  expect(dump(0).map(({ what }) => (typeof what === "string" ? what : what.type))).toContain("publish");
  expect(() => dump(7)).toThrow(DataDirectoryError);
  expect(() => dump(7)).toThrow(/^there is no shard 7 in .*: it has shard 0 alone$/);
  expect(dump(0, 1)).toEqual(dump(0));
  expect(() => dump(0, 99)).toThrow(DataDirectoryError);
  expect(() => dump(0, 99)).toThrow(/^there is no segment 99 in .*: the last is 1$/);
});
