import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { claimDataDirectory, DIRECTORY_FORMAT } from "../../src/journal/data-directory.js";
import { segmentPath, shardDirectory } from "../../src/journal/layout.js";
import { readLedger } from "../../src/journal/ledger.js";
import { nodeDisk } from "../../src/journal/node-disk.js";
import { DEFAULT_KEY } from "../../src/protocol/limits.js";
import { align, FORMAT_VERSION, RecordType, TYPE } from "../../src/shard/log/record.js";
import { DEFAULT_CONFIG } from "../../src/shard/topics/topic.js";
import { knownKeys } from "../shard/known-keys.js";
import { remembered } from "../shard/remembered.js";
import { Keeper } from "./keeper.js";
import { EXPECTED, makeFixture, SHARDS, SIZES } from "./make-fixture.js";

const FIXTURES = fileURLToPath(new URL("fixtures/", import.meta.url));

const { RINGMQ_MAKE_FIXTURE } = process.env;
if (RINGMQ_MAKE_FIXTURE !== undefined) makeFixture(join(FIXTURES, RINGMQ_MAKE_FIXTURE));

interface Expected {
  readonly now: number;
  readonly state: readonly {
    readonly bindKey: string;
    readonly config: object;
    readonly messages: readonly object[];
  }[];
}

const versions = readdirSync(FIXTURES).sort();

it("there is a data directory of each version of the format", () => {
  expect(versions).toEqual(Array.from({ length: FORMAT_VERSION }, (_, i) => `version-${i + 1}`));
});

it.each(versions)("a data directory of %s is read, and goes on", (version) => {
  const parent = mkdtempSync(join(tmpdir(), "ringmq-fixture-"));
  try {
    const data = join(parent, "data");
    cpSync(join(FIXTURES, version), data, { recursive: true });
    const { now, state } = JSON.parse(readFileSync(join(data, EXPECTED), "utf8")) as Expected;
    const { lock, manifest } = claimDataDirectory(nodeDisk, data, SHARDS + 1);
    // It has a ledger from now on.
    expect(manifest).toEqual({ format: DIRECTORY_FORMAT, shards: SHARDS, generation: 1 });
    const directory = shardDirectory(data, manifest.generation, 0);
    const keeper = new Keeper({ disk: nodeDisk, directory, ...SIZES, now });
    // Queues without further notice were declared, except `default`; topics are configured as by default.
    const queues = state.map(({ config, ...queue }) => ({
      isDeclared: queue.bindKey !== DEFAULT_KEY,
      ...queue,
      // Of earlier failures nothing is known.
      messages: queue.messages.map((message) => ({ failures: "", ...message })),
      config: "ttr" in config ? { ...DEFAULT_CONFIG, ...config } : config,
    }));
    expect(JSON.parse(JSON.stringify(keeper.state))).toEqual(queues);
    expect(keeper.report.cut).toBeUndefined();
    const number = Number(version.slice(version.lastIndexOf("-") + 1));
    expect([...remembered(keeper.shard).keys()]).toEqual(number >= 3 ? ["orders shop 1 0", "orders shop 1 1"] : []);
    expect([...knownKeys(keeper.shard).keys()]).toEqual(number >= 4 ? ["orders invoice 7", "orders invoice 8"] : []);
    const told = keeper.state.flatMap(({ messages }) => messages.filter(({ failures }) => failures !== ""));
    expect(told.length).toBe(number >= 4 ? 4 : 0);
    expect(readLedger(nodeDisk, directory, 0)).toMatchObject({ first: 1, last: 4 });

    keeper.publish(["now"], { topic: "orders" });
    keeper.ack(keeper.pop(1, "orders"), "orders");
    expect(keeper.commit()).toBe(true);
    expect(new Keeper({ disk: nodeDisk, directory, ...SIZES, now }).state).toEqual(keeper.state);
    lock.release();
  } finally {
    rmSync(parent, { recursive: true });
  }
});

it("records of every type are in it", () => {
  for (const version of versions) {
    const directory = shardDirectory(join(FIXTURES, version), 1, 0);
    const types = new Set<number>();
    for (const sequence of [1, 3, 4]) {
      const bytes = readFileSync(segmentPath(directory, sequence));
      for (let at = 0; bytes.readUInt32BE(at) > 0 && types.size < 100; at += align(bytes.readUInt32BE(at))) {
        types.add(bytes.readUInt8(at + TYPE));
        if (at + align(bytes.readUInt32BE(at)) >= bytes.length) break;
      }
    }
    expect([...types].sort()).toEqual(Object.values(RecordType).sort());
  }
});
