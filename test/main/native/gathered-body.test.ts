import { afterEach, describe, expect, test } from "vitest";
import { GatheredBody, heldBytes } from "../../../src/main/native/gathered-body.js";

const MIB = 1024 * 1024;

describe("a body that comes in parts", () => {
  const bodies: GatheredBody[] = [];
  const create = (limit: number): GatheredBody => {
    const body = new GatheredBody(limit);
    bodies.push(body);
    return body;
  };
  afterEach(() => {
    for (const body of bodies.splice(0)) body.release();
    expect(heldBytes()).toBe(0);
  });

  test("is put together again", () => {
    const body = create(MIB);
    const expected: number[] = [];
    for (let i = 0; i < 300; i++) {
      const chunk = Uint8Array.from({ length: i * 7 }, (_, at) => (i + at) % 256);
      body.append(chunk);
      expected.push(...chunk);
      chunk.fill(0);
    }
    expect(body.fault).toBeUndefined();
    expect(Buffer.from(body.bytes()).equals(Buffer.from(expected))).toBe(true);
  });

  test("costs no more than its limit however small the parts are", () => {
    const body = create(100_000);
    for (let i = 0; i < 100_000; i++) body.append(Uint8Array.of(i % 256));
    expect(body.fault).toBeUndefined();
    expect(heldBytes()).toBe(100_000);
  });

  test("is refused one byte past its limit, and holds nothing then", () => {
    const body = create(100_000);
    body.append(new Uint8Array(100_000));
    expect(body.fault).toBeUndefined();
    body.append(Uint8Array.of(0));
    expect(body.fault).toBe("too large");
    body.append(Uint8Array.of(0));
    expect(body.size).toBe(100_002);
    expect(heldBytes()).toBe(0);
  });

  test("takes the room of the one that holds most when all of it is held", () => {
    const part = new Uint8Array(64 * MIB);
    for (let i = 0; i < 4; i++) create(64 * MIB).append(part);
    const late = create(MIB);
    late.append(Uint8Array.of(1));
    expect(late.fault).toBeUndefined();
    // Of several that hold as much, the one that has it the longest.
    expect(bodies.map(({ fault }) => fault)).toEqual(["busy", undefined, undefined, undefined, undefined]);
  });

  test("is refused when it would itself hold most", () => {
    for (let i = 0; i < 31; i++) create(8 * MIB).append(new Uint8Array(8 * MIB));
    const greedy = create(64 * MIB);
    greedy.append(new Uint8Array(16 * MIB));
    expect(greedy.fault).toBe("busy");
    expect(bodies.slice(0, 31).every(({ fault }) => fault === undefined)).toBe(true);
  });

  test("that gave way stays refused, and holds nothing", () => {
    const first = create(64 * MIB);
    first.append(new Uint8Array(64 * MIB));
    for (let i = 0; i < 4; i++) create(64 * MIB).append(new Uint8Array(64 * MIB));
    expect(first.fault).toBe("busy");
    const before = heldBytes();
    first.restart();
    first.append(Uint8Array.of(1));
    expect(first.fault).toBe("busy");
    expect(heldBytes()).toBe(before);
  });

  test("has room in front of it, and begins where the caller says", () => {
    const scratch = new Uint8Array(8);
    const body = new GatheredBody(100, 4, scratch);
    bodies.push(body);
    expect([...body.withLead()]).toEqual([0, 0, 0, 0]);
    body.append(Uint8Array.of(1, 2, 3, 4));
    expect(heldBytes()).toBe(0);
    expect([...scratch.subarray(4)]).toEqual([1, 2, 3, 4]);
    body.append(Uint8Array.of(5));
    expect([...body.bytes()]).toEqual([1, 2, 3, 4, 5]);
    expect([...body.withLead().subarray(4)]).toEqual([1, 2, 3, 4, 5]);
    expect(heldBytes()).toBe(104);
    body.restart();
    body.append(Uint8Array.of(6));
    expect([...body.bytes()]).toEqual([6]);
  });
});
