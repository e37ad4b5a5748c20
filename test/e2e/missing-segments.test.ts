/** A broker does not start when something that it has confirmed is missing, and says what; a repair saves the rest. */

import { readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { segmentPath } from "../../src/journal/layout.js";
import { readLedger } from "../../src/journal/ledger.js";
import { nodeDisk } from "../../src/journal/node-disk.js";
import { testBroker, testDirectory } from "./brokers.js";
import { clientOf, texts } from "./clients.js";
import { ANY_PORT, run, started } from "./program.js";

const shardOf = (data: string): string => join(data, "generation-1", "shard-0");

/** The text with which `ringmq serve` refuses to start. */
const refusal = async (data: string): Promise<string> => {
  const { exit, text } = run(["serve", ...ANY_PORT, "--data", data, "--shards", "1"]);
  expect(await exit).toMatchObject({ code: 1 });
  return text.err;
};

/** What is left after `ringmq journal repair`. */
const repaired = async (data: string): Promise<string[]> => {
  const out = join(testDirectory(), "repaired");
  const { exit, text } = run(["journal", "repair", data, out]);
  expect(await exit).toMatchObject({ code: 0 });
  // Of what is not there nobody knows the place and the size.
  if (/LOST .* is missing$/m.test(text.out)) expect(text.out).toMatch(/ 1 stretch, of unknown size\nLOST \S+: /);
  expect(text.out).not.toContain(", 0 bytes:");
  const { tcp, broker } = await testBroker({ data: out });
  const left = texts(await (await clientOf(tcp)).pop("orders", { max: 100 }));
  await broker.close();
  return left;
};

it("a byte of the last commit that breaks after a kill is damage, and the other messages are saved", async () => {
  const data = testDirectory();
  const { child, exit, tcp } = await started([...ANY_PORT, "--data", data, "--shards", "1"]);
  const client = await clientOf(tcp);
  await client.publish("orders", "kept");
  await client.publish("orders", "broken");
  const segment = segmentPath(shardOf(data), 1);
  const bytesOf = (): Buffer => readFileSync(segment);
  const at = bytesOf().indexOf("broken");
  // The shard rests.
  while (readLedger(nodeDisk, shardOf(data), 0).bytes <= at) await pause(10);
  child.kill("SIGKILL");
  await exit;
  const bytes = bytesOf();
  bytes[at] = 0;
  writeFileSync(segment, bytes);
  expect(await refusal(data)).toMatch(
    new RegExp(`^error: ${segment}, at byte \\d+: the checksum of the record is wrong, and the ledger says`, "m"),
  );
  expect(await repaired(data)).toEqual(["kept"]);
});

describe("of a broker that was stopped in order", () => {
  /** Two segments, and what is in them. */
  const stopped = async (): Promise<string> => {
    const data = testDirectory();
    for (const body of ["one", "two"]) {
      const { tcp, broker } = await testBroker({ data });
      await (await clientOf(tcp)).publish("orders", body);
      await broker.close();
    }
    expect(readdirSync(shardOf(data)).filter((name) => name.endsWith(".seg"))).toHaveLength(2);
    return data;
  };

  it.each([
    ["removed", (path: string) => rmSync(path), "the file is missing", ["one"]],
    ["emptied", (path: string) => truncateSync(path, 0), "the file is shorter than the head of a segment", ["one"]],
    [
      "renamed",
      (path: string) => renameSync(path, path.replace("2.seg", "7.seg")),
      "it is segment 2 under another name",
      ["one", "two"],
    ],
  ] as const)("the last segment is missed that was %s", async (_, harm, what, left) => {
    const data = await stopped();
    harm(segmentPath(shardOf(data), 2));
    expect(await refusal(data)).toContain(what);
    const { exit, text } = run(["journal", "verify", data]);
    expect(await exit).toMatchObject({ code: 1 });
    expect(text.out).toContain("DAMAGED");
    expect(await repaired(data)).toEqual(left);
  });
});
