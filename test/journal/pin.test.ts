import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { segmentPath } from "../../src/journal/layout.js";
import { nodeDisk } from "../../src/journal/node-disk.js";
import { Keeper } from "./keeper.js";

const segmentsIn = (directory: string): Map<string, Buffer> =>
  new Map(
    readdirSync(directory)
      .filter((name) => name.endsWith(".seg"))
      .map((name) => [name, readFileSync(join(directory, name))]),
  );

it("what is pinned is sealed, and neither goes nor changes before it is unpinned, whatever happens", () => {
  const directory = mkdtempSync(join(tmpdir(), "ringmq-pin-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const keeper = new Keeper({ disk: nodeDisk, directory });
  const { log } = keeper.shard.store;
  const publish = (): void => {
    for (let i = 0; i < 5; i++) keeper.publish(Array.from({ length: 40 }, (_, n) => `message ${i} ${n}`.padEnd(60)));
  };
  publish();
  expect(keeper.journal.pin(log, keeper.now)).toBe(true);
  expect(log.segments.all.every(({ isSealed }) => isSealed)).toBe(true);
  const pinned = segmentsIn(directory);
  expect([...pinned.keys()]).toEqual(log.segments.all.map(({ sequence }) => segmentPath("", sequence)));

  keeper.ack(keeper.pop(1_000));
  publish();
  keeper.commit();
  for (let i = 0; i < 20; i++) keeper.tick();
  const later = segmentsIn(directory);
  expect(later.size).toBeGreaterThan(pinned.size);
  for (const [name, bytes] of pinned) expect(later.get(name)?.equals(bytes)).toBe(true);

  keeper.journal.unpin();
  for (let i = 0; i < 20; i++) keeper.tick();
  for (const name of pinned.keys()) expect(segmentsIn(directory).has(name)).toBe(false);
});
