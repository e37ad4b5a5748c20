import { expect, it } from "vitest";
import { SILENT } from "../../src/main/log.js";
import { logProgress } from "../../src/main/progress.js";

it("is told to a log at the start, every five seconds and at the end, with figures", () => {
  const lines: unknown[] = [];
  let now = 0;
  const info = (fields: object, text: string): void => {
    lines.push([text, fields]);
  };
  const progress = logProgress({ ...SILENT, info }, () => now);
  const mebibyte = 2 ** 20;
  progress.begin("verify", 10 * mebibyte);
  for (now = 1_000; now < 12_000; now += 1_000) progress.advance((now / 1_000) * 0.5 * mebibyte);
  progress.end("verify", { segments: 3, records: 70, bytes: 10 * mebibyte }, 12.3456);
  expect(lines).toEqual([
    ["verifying the journal", { megabytes: 10 }],
    ["verifying the journal", { percent: 25, megabytes: 2.5, of: 10 }],
    ["verifying the journal", { percent: 50, megabytes: 5, of: 10 }],
    ["the journal is verified", { segments: 3, records: 70, megabytes: 10, seconds: 12.346 }],
  ]);
});
