/** A broker on the data directory of another version: that of an older one is read, that of a newer one refused as it is. */
import { createHash } from "node:crypto";
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { connect } from "../../src/client/index.js";
import { loadChecksum } from "../../src/journal/checksum.js";
import { DIRECTORY_FORMAT } from "../../src/journal/data-directory.js";
import { LOCK_PREFIX, MANIFEST, segmentPath, shardDirectory } from "../../src/journal/layout.js";
import * as record from "../../src/shard/log/record.js";
import { testBroker, testDirectory } from "./brokers.js";

const FIXTURES = fileURLToPath(new URL("../journal/fixtures/", import.meta.url));
const versions = readdirSync(FIXTURES).sort();
const newest = versions.at(-1) ?? "";

const checksum = await loadChecksum();

const copyOf = (version: string): string => {
  const data = join(testDirectory(), "data");
  cpSync(join(FIXTURES, version), data, { recursive: true });
  return data;
};

/** Each file of a data directory with the hash of its bytes, but for the lock, which is left behind released. */
const contents = (data: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    readdirSync(data, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.startsWith(LOCK_PREFIX))
      .map(({ parentPath, name }) => join(parentPath, name))
      .sort()
      .map((path) => [path, createHash("sha256").update(readFileSync(path)).digest("hex")]),
  );

it.each(versions)("starts on %s, twice, with its messages", async (version) => {
  const data = copyOf(version);
  const bodies = async (): Promise<string[]> => {
    const { broker, tcp } = await testBroker({ data });
    const client = await connect(`tcp://127.0.0.1:${tcp}`);
    const messages = await client.browse("orders", { max: 100 });
    await client.close();
    await broker.close();
    return messages.map((message) => message.text());
  };
  const waiting = ["kept", "ready 1", "ready 2", "after a restart"];
  expect(await bodies()).toEqual(expect.arrayContaining(waiting));
  expect(await bodies()).toEqual(expect.arrayContaining(waiting));
});

it("refuses a directory of a newer format by name, and leaves it as it is", async () => {
  const data = copyOf(newest);
  const manifest = JSON.parse(readFileSync(join(data, MANIFEST), "utf8"));
  writeFileSync(join(data, MANIFEST), JSON.stringify({ ...manifest, format: DIRECTORY_FORMAT + 1 }));
  const before = contents(data);
  await expect(testBroker({ data })).rejects.toThrow(
    `the data directory ${data} has format ${DIRECTORY_FORMAT + 1}; this ringmq reads up to ${DIRECTORY_FORMAT}: use the version that wrote it, or a later one`,
  );
  expect(contents(data)).toEqual(before);
});

/** As a newer version would begin it. */
const makeNewer = (path: string, sequence: number): void => {
  const bytes = readFileSync(path);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  view.setUint8(record.VERSION, record.FORMAT_VERSION + 1);
  const seed = record.checksumSeed(sequence, 0);
  view.setUint32(record.CHECKSUM, checksum(view, record.TYPE, view.getUint32(record.LENGTH), seed));
  writeFileSync(path, bytes);
};

it.each([1, 4])(
  "refuses a journal whose segment %i is of a newer format by name, and leaves it as it is",
  async (sequence) => {
    const data = copyOf(newest);
    const path = segmentPath(shardDirectory(data, 1, 0), sequence);
    makeNewer(path, sequence);
    const before = contents(data);
    await expect(testBroker({ data })).rejects.toThrow(
      `${path} has format ${record.FORMAT_VERSION + 1}; this ringmq reads formats ${record.OLDEST_VERSION} to ${record.FORMAT_VERSION}: use the version that wrote it`,
    );
    expect(contents(data)).toEqual(before);
  },
);
