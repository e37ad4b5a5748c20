import { describe, expect, it } from "vitest";
import { AssemblyMemory } from "../../../src/main/native/assembly.js";
import { HeldInput } from "../../../src/main/ports/held-input.js";

const open = (bytes = 1 << 20) => {
  const memory = new AssemblyMemory(bytes);
  const cuts: string[] = [];
  const input = new HeldInput(memory, (text) => cuts.push(text));
  const append = (text: string): boolean => input.append(Buffer.from(text), 0, text.length);
  const held = (): string => input.bytes.toString("latin1", input.start, input.end);
  return { memory, cuts, input, append, held };
};

describe("input that is held", () => {
  it("is what came and is not carried out, in order, whatever moves in its buffer", () => {
    const { input, append, held, memory } = open();
    let expected = "";
    for (let i = 0; i < 5_000; i++) {
      append(`command ${i};`);
      expected += `command ${i};`;
      if (i % 3 !== 2) continue;
      const taken = 10 + (i % 20);
      input.consume(input.start + taken);
      expected = expected.slice(taken);
    }
    expect(held()).toBe(expected);
    input.consume(input.end);
    expect([input.length, memory.used]).toEqual([0, 0]);
  });

  it("is refused when there is no memory for it, and kept as it was", () => {
    const { append, held, memory } = open(8 * 1024);
    expect(append("x".repeat(4_000))).toBe(true);
    expect(append("y".repeat(8_000))).toBe(false);
    expect(held()).toBe("x".repeat(4_000));
    expect(memory.used).toBe(4 * 1024);
  });

  it("has to make progress, unless it is not the client that keeps it from that", () => {
    const { input, append, cuts, memory } = open();
    append("begun");
    for (let second = 0; second <= 30; second++) input.sweep(second * 1_000, true);
    expect(cuts).toEqual([]);
    for (let second = 31; second <= 41; second++) input.sweep(second * 1_000, false);
    expect(cuts).toEqual([]);
    input.sweep(42_000, false);
    expect(cuts).toHaveLength(1);
    expect(memory.used).toBe(0);
  });

  it("gives way to others that need the memory when it has stalled", () => {
    const { input, append, cuts, memory } = open(64 * 1024);
    append("x".repeat(40_000));
    input.sweep(0, false);
    // It may have begun just now.
    expect([input.isStalled, memory.take(8_192)]).toEqual([false, undefined]);
    input.sweep(1_000, false);
    expect([input.isStalled, memory.take(32_768)?.length, cuts.length]).toEqual([true, 32_768, 1]);
  });
});
