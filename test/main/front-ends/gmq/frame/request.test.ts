import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gmqFrame } from "../../../../../src/main/front-ends/gmq/frame/index.js";
import { Request } from "../../../../../src/main/front-ends/gmq/frame/request.js";

describe("recognition", () => {
  it.each([
    ["", undefined],
    ["v", undefined],
    ["v1", undefined],
    ["v11", undefined],
    ["v111", true],
    ["v111\0\x03", true],
    ["v112", false],
    ["pub ", false],
    ["vi", false],
    ["\0\0\0\x10", false],
  ])("%j: %s", (text, answer) => {
    expect(gmqFrame().recognizes(Buffer.from(text))).toBe(answer);
  });
});

describe("a request", () => {
  const bytes = Buffer.concat([Buffer.from("rest"), Buffer.from("v111\0\x04\0\x02push{}"), Buffer.from("behind")]);

  it("is read where it is", () => {
    const request = new Request();
    expect(request.read(bytes, 4, bytes.length)).toBe(true);
    expect(request.command).toBe("push");
    expect(bytes.toString("latin1", request.start, request.end)).toBe("{}");
  });

  it("is not whole before its last byte", () => {
    const request = new Request();
    for (let end = 4; end < 18; end++) expect(request.read(bytes, 4, end)).toBe(false);
    expect(request.read(bytes, 4, 18)).toBe(true);
  });

  it("never ends behind what is there, whatever comes", () => {
    const request = new Request();
    const anything = fc.uint8Array({ maxLength: 64 });
    const nearly = anything.map((rest) => Buffer.concat([Buffer.from("v111"), rest]));
    fc.assert(
      fc.property(fc.oneof(anything, nearly), (random) => {
        const all = Buffer.from(random);
        if (request.read(all, 0, all.length) !== true) return;
        expect(request.start).toBeGreaterThanOrEqual(8);
        expect(request.end).toBeGreaterThanOrEqual(request.start);
        expect(request.end).toBeLessThanOrEqual(all.length);
      }),
      { numRuns: Number(process.env["RINGMQ_FUZZ_RUNS"] ?? 2_000) },
    );
  });
});
