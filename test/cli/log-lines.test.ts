import { describe, expect, it } from "vitest";
import { createLog } from "../../src/cli/log-lines.js";
import { withPriority } from "../../src/cli/standard-error.js";

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
    expect(lines[1]).toMatch(/ERROR a shard failed\n {4}Error: out of luck\n\s+at .*\n$/s);
  });

  it("stay one line each, whatever a client has put into a name or an error", () => {
    const { lines, log } = written("info", "text");
    const forged = "x\n2026-01-01T00:00:00.000Z ERROR forged\r\u001b[31m\u007f\u0085\u009b\u2028\u2029\u202e";
    log.info({ directory: forged, list: [forged] }, `text ${forged}`);
    log.error({ error: new Error(forged) }, "failed");
    const line = lines[0] ?? "";
    expect(line.indexOf("\n")).toBe(line.length - 1);
    expect(line).toContain("directory=x\\n2026");
    for (const text of lines) {
      expect(text.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\u2028\u2029\u202e]/u);
      for (const below of text.trimEnd().split("\n").slice(1)) expect(below).toMatch(/^ {4}/);
    }
  });

  it("are for programs: an object in JSON", () => {
    const { lines, log } = written("debug", "json");
    log.debug({ shard: 3 }, "this");
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ level: "debug", shard: 3, msg: "this" });
  });

  it.each(["text", "json"])("have the priority of their level in systemd's journal, each one (%s)", (format) => {
    const lines: string[] = [];
    const log = createLog("debug", format, (text, level) => lines.push(withPriority(text, level)));
    for (const level of ["debug", "info", "warn"] as const) log[level]({}, level);
    log.error({ error: new Error("out of luck") }, "error");
    expect(lines.map((text) => text.slice(0, 3))).toEqual(["<7>", "<6>", "<4>", "<3>"]);
    const last = lines[3]?.trimEnd().split("\n") ?? [];
    expect(last.filter((line) => !line.startsWith("<3>"))).toEqual([]);
    expect(lines.every((text) => text.endsWith("\n"))).toBe(true);
  });

  it("are none at the level silent", () => {
    const { lines, log } = written("silent", "text");
    log.error({}, "nothing");
    expect(lines).toEqual([]);
  });
});
