import { describe, expect, it } from "vitest";
import { createLog } from "../../src/cli/log-lines.js";

const written = (level: string, format: string): { lines: string[]; log: ReturnType<typeof createLog> } => {
  const lines: string[] = [];
  return { lines, log: createLog(level, format, (text) => lines.push(text)) };
};

describe("log lines", () => {
  it("are for people: time, level, text, fields, and the stack of an error below", () => {
    const { lines, log } = written("info", "text");
    log.debug({}, "not this");
    log.warn({ shard: 3, peer: "tcp ::1" }, "a shard died");
    log.error({ error: new Error("out of luck") }, "a shard failed");
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\dT\S+Z WARN {2}a shard died shard=3 peer=tcp ::1\n$/);
    expect(lines[1]).toMatch(/ERROR a shard failed\nError: out of luck\n\s+at .*\n$/s);
  });

  it("are for programs: an object in JSON", () => {
    const { lines, log } = written("debug", "json");
    log.debug({ shard: 3 }, "this");
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ level: "debug", shard: 3, msg: "this" });
  });

  it("are none at the level silent", () => {
    const { lines, log } = written("silent", "text");
    log.error({}, "nothing");
    expect(lines).toEqual([]);
  });
});
