/** The words of a message's history, and finding a message whose topic is not known. */
import { createTestBroker } from "ringmq/testing";
import { describe, expect, it, onTestFinished } from "vitest";
import { lookUp } from "../../../src/console/pages/history/look-up.js";
import { type Search, searchTopics } from "../../../src/console/pages/history/search.js";
import { hashOf } from "../../../src/main/access/token-hash.js";
import { UNKNOWN } from "../../../src/main/native/message-history.js";
import "./page-globals.js";

const { text, wordOf } = await import("../../../src/console/pages/history/text.js");

describe("words", () => {
  it("are there in Chinese for all that a broker cannot tell", () => {
    expect(Object.keys(text().unknowns).sort()).toEqual([...UNKNOWN].sort());
  });

  it("are the broker's where the page has none", () => {
    expect(wordOf(text().hows, "timed out")).toBe("未按时确认");
    expect(wordOf(text().hows, "eaten")).toBe("eaten");
    expect(wordOf(text().hows, "constructor")).toBe("constructor");
  });
});

it("a message of a topic that is gone is in no queue: its history is shown all the same", async () => {
  const broker = createTestBroker();
  onTestFinished(() => broker.close());
  expect(await lookUp(await broker.connect(), "gone", "5")).toBeUndefined();
});

describe("a search", () => {
  it("asks every topic, and tells how it gets on", async () => {
    const broker = createTestBroker();
    onTestFinished(() => broker.close());
    const client = await broker.connect();
    const receipts = await Promise.all(Array.from({ length: 150 }, (_, i) => client.publish(`topic-${i}`, "x")));
    const id = receipts[77]?.id ?? "";
    const { signal } = new AbortController();
    const steps: Search[] = [];
    for await (const step of searchTopics(client, id, signal)) steps.push(step);
    expect(steps.map(({ seen }) => seen)).toEqual([0, 64, 128, 150]);
    expect(steps.at(-1)).toMatchObject({ topics: 150, found: ["topic-77"] });
    let none: Search | undefined;
    for await (const step of searchTopics(client, "5", signal)) none = step;
    expect(none).toMatchObject({ topics: 150, found: [] });
  });

  it("goes on where a topic goes meanwhile, and past those that the reader may not look into", async () => {
    const token = "ringmq_of-a-reader";
    const permissions = [
      { topics: "own-*", allow: ["publish", "consume", "manage"] as const },
      { topics: "sent-*", allow: ["publish"] as const },
    ];
    const broker = createTestBroker({ users: [{ name: "reader", tokens: [{ hash: hashOf(token) }], permissions }] });
    onTestFinished(() => broker.close());
    const client = await broker.connect({ token });
    for (const topic of ["own-1", "sent-1"]) await client.publish(topic, "x");
    const { id } = await client.publish("own-2", "x");
    let last: Search | undefined;
    for await (const step of searchTopics(client, id, new AbortController().signal)) {
      if (step.seen === 0) await client.deleteTopic("own-1");
      last = step;
    }
    expect(last).toMatchObject({ seen: 3, found: ["own-2"] });
  });
});
