import { describe, expect, it } from "vitest";
import { topicsOfPage } from "../../../../src/main/front-ends/gmq/topic-list.js";

const topics = (count: number, queues: number) =>
  Array.from({ length: count }, () => ({ bindKeys: Array.from({ length: queues }, (_, i) => `${i}`) }));

describe("a page of topics", () => {
  it("grows while its topics have few queues, and has one topic when each has very many", () => {
    expect(topicsOfPage(2, topics(2, 1))).toBe(4);
    expect(topicsOfPage(64, topics(64, 1))).toBe(64);
    expect(topicsOfPage(64, topics(64, 0))).toBe(64);
    expect(topicsOfPage(64, topics(8, 128))).toBe(8);
    expect(topicsOfPage(2, topics(2, 1_024))).toBe(1);
    expect(topicsOfPage(2, topics(2, 32_768))).toBe(1);
    expect(topicsOfPage(1, topics(1, 1))).toBe(2);
    expect(topicsOfPage(2, [])).toBe(4);
  });
});
