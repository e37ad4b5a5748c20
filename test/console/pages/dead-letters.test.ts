/** Dead letters as the page gathers them. */
import type { Client } from "ringmq/client";
import { createTestBroker, type TestBroker } from "ringmq/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { groupKey, groupsOf, scan } from "../../../src/console/pages/dead-letters/scan.js";

let broker: TestBroker;
let client: Client;

beforeEach(async () => {
  broker = createTestBroker();
  client = await broker.connect({ name: "biller" });
});

afterEach(() => broker.close());

/** Buries as many messages as there are reasons. */
const bury = async (reasons: readonly (string | undefined)[], by: Client = client): Promise<void> => {
  await client.publishBatch(
    "bills",
    reasons.map((_, i) => `m${i}`),
  );
  for (let done = 0; done < reasons.length; ) {
    const messages = await by.pop("bills", { max: 1_000 });
    await Promise.all(
      messages.map((message) => message.nack({ retry: false, reason: reasons[Number(message.text().slice(1))] })),
    );
    done += messages.length;
  }
};

describe("dead letters", () => {
  it("are grouped by why they died, what was said and who had them; most first", async () => {
    await bury(["declined\nat noon", "declined\nlater", "declined", undefined]);
    const other = await broker.connect({ name: "biller-2" });
    await bury(["declined", "declined"], other);
    const dead = client.deadLetters("bills");
    const found = await scan(dead);
    expect(found.counted).toBeUndefined();
    const groups = groupsOf(found);
    expect(
      groups.map(({ reason, consumer, deadReason, letters: of }) => [reason, consumer, deadReason, of.length]),
    ).toEqual([
      ["declined", "biller", "rejected", 3],
      ["declined", "biller-2", "rejected", 2],
      ["", "biller", "rejected", 1],
    ]);
    for (const { key, letters: of, first, last } of groups) {
      expect(of.every((letter) => groupKey(letter) === key)).toBe(true);
      expect([first, last]).toEqual([of[0]?.time, of.at(-1)?.time]);
    }
    // As the broker groups them.
    expect(groupsOf({ ...found, counted: await dead.groups() })).toEqual(groups);
  });

  it("are looked through up to a bound, and counted beyond it", async () => {
    await bury(Array.from({ length: 10_100 }, () => "no"));
    const found = await scan(client.deadLetters("bills"));
    expect(new Set(found.letters.map(({ id }) => id)).size).toBe(10_000);
    // What is beyond it is counted all the same.
    expect(groupsOf(found).map(({ count, letters }) => [count, letters.length])).toEqual([[10_100, 10_000]]);
  });
});
