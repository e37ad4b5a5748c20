import { describe, expect, it } from "vitest";
import { type JobEntry, JobTable } from "../../../../../src/main/front-ends/gmq/frame/job-table.js";

const entry = (delivery = 0, topic = "t"): JobEntry => ({
  topic,
  idHigh: 1,
  idLow: 2,
  delivery,
  isDelivered: delivery !== 0,
  isBusy: false,
});

describe("the table of jobs", () => {
  it("has one entry for a job, the last", () => {
    const table = new JobTable();
    const [pushed, held] = [entry(), entry(7)];
    table.set("a", pushed);
    table.set("a", held);
    expect(table.get("a")).toBe(held);
    expect(table.size).toBe(1);
    table.set("a", pushed);
    expect(table.get("a")).toBe(pushed);
    expect(table.size).toBe(1);
  });

  it("changes an entry only for those who know it", () => {
    const table = new JobTable();
    const [first, second, third] = [entry(), entry(7), entry(8)];
    table.set("a", second);
    table.replace("a", first, third);
    table.remove("a", first);
    expect(table.get("a")).toBe(second);
    table.replace("a", second, third);
    expect(table.get("a")).toBe(third);
    table.remove("a", third);
    expect(table.get("a")).toBeUndefined();
    table.replace("a", third, second);
    expect(table.size).toBe(0);
  });

  it("forgets what was pushed longest ago, and what was popped longest ago, each for itself", () => {
    const table = new JobTable(3);
    table.set("held", entry(7));
    for (const id of ["a", "b", "c"]) table.set(id, entry());
    // Pushed once more, so that it is the newest.
    table.set("a", entry());
    table.set("d", entry());
    expect(["a", "b", "c", "d", "held"].filter((id) => table.get(id) !== undefined)).toEqual(["a", "c", "d", "held"]);
    for (const id of ["x", "y", "z"]) table.set(id, entry(1));
    expect(table.get("held")).toBeUndefined();
    expect(table.size).toBe(6);
  });

  it("is bounded in bytes, which what is gone gives back", () => {
    const table = new JobTable(1_000_000, 100_000);
    const topic = "t".repeat(255);
    for (let i = 0; i < 10_000; i++) table.set(`${i}${"x".repeat(250)}`, entry(0, topic));
    const full = table.size;
    expect(full).toBeGreaterThan(50);
    expect(full).toBeLessThan(100);
    for (let i = 0; i < 10_000; i++) {
      table.set("same", entry(0, topic));
      table.forget("same");
    }
    expect(table.size).toBeGreaterThanOrEqual(full - 1);
  });
});
