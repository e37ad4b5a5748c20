import { expect, it } from "vitest";
import type { Queue } from "../../../src/shard/messages/queue.js";
import { RouteMemory } from "../../../src/shard/topics/route-memory.js";
import { DEFAULT_CONFIG, Topic } from "../../../src/shard/topics/topic.js";

/** A topic of patterns, with queues that a test never looks into. */
const topicOf = (memory: RouteMemory, name: string): Topic => {
  const topic = new Topic(name, 0, 0, memory);
  topic.configure({ ...DEFAULT_CONFIG, mode: "pattern" });
  return topic;
};

const queues = Array.from({ length: 100 }, () => ({}) as Queue);

it("lets those forget who have remembered for longest, and never what is remembered last", () => {
  const memory = new RouteMemory(300);
  const topics = Array.from({ length: 10 }, (_, i) => topicOf(memory, `${i}`));
  for (const topic of topics) {
    topic.remember("^a", queues);
    expect(topic.route("^a")).toBe(queues);
    expect(memory.words).toBeLessThanOrEqual(300);
  }
  expect(topics.map((topic) => topic.route("^a") !== undefined)).toEqual([...new Array(8).fill(false), true, true]);
  for (const topic of topics) topic.forgetRoutes();
  expect(memory.words).toBe(0);
});

it("is bounded for one topic by the number of its patterns, and for a single one by nothing", () => {
  const memory = new RouteMemory(100_000);
  const topic = topicOf(memory, "t");
  for (let i = 0; i < 10_000; i++) topic.remember(`pattern ${i}`, []);
  expect(memory.words).toBeLessThan(256 * 20);
  const small = new RouteMemory(10);
  const other = topicOf(small, "t");
  other.remember("^a", queues);
  other.remember("^b", queues);
  expect([other.route("^a"), other.route("^b")]).toEqual([undefined, queues]);
  other.forgetRoutes();
  expect(small.words).toBe(0);
});
