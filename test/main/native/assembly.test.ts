import { describe, expect, it } from "vitest";
import { AssemblyMemory } from "../../../src/main/native/assembly.js";

describe("the memory for frames that were cut", () => {
  it("is bounded for all together, but for the smallest buffers", () => {
    const memory = new AssemblyMemory(64 * 1024);
    const first = memory.take(40_000);
    expect(first?.length).toBe(65_536);
    expect(memory.take(5_000)).toBeUndefined();
    expect(memory.take(1)?.length).toBe(4_096);
    if (first !== undefined) memory.give(first);
    expect(memory.take(5_000)?.length).toBe(8_192);
    expect(memory.used).toBe(4_096 + 8_192);
  });

  it("hands out again what was given back", () => {
    const memory = new AssemblyMemory(1 << 20);
    const buffer = memory.take(10_000);
    if (buffer !== undefined) memory.give(buffer);
    expect(memory.take(12_000) === buffer).toBe(true);
    expect(memory.take(12_000) === buffer).toBe(false);
  });

  it("does not keep a very large buffer", () => {
    const memory = new AssemblyMemory(1 << 30);
    const buffer = memory.take(3_000_000);
    if (buffer !== undefined) memory.give(buffer);
    expect(memory.take(3_000_000) === buffer).toBe(false);
  });

  it("sets bytes apart, and leaves a quarter for frames", () => {
    const memory = new AssemblyMemory(64 * 1024);
    for (let i = 0; i < 3; i++) expect(memory.reserve(16_384)).toBe(true);
    expect(memory.reserve(16_384)).toBe(false);
    expect(memory.take(16_384)?.length).toBe(16_384);
    expect(memory.take(8_192)).toBeUndefined();
    memory.release(16_384);
    expect(memory.take(8_192)?.length).toBe(8_192);
    expect(memory.reserve(16_384)).toBe(false);
  });
});
