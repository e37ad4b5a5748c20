import { afterEach, describe, expect, test } from "vitest";
import { GatheredBody, heldBytes } from "../../../src/main/gmq-http/body.js";

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

  test("is refused when other bodies hold all there is, and taken when one of them is done", () => {
    const part = new Uint8Array(64 * MIB);
    for (let i = 0; i < 4; i++) create(64 * MIB).append(part);
    const late = create(MIB);
    late.append(Uint8Array.of(1));
    expect(late.fault).toBe("busy");
    bodies[0]?.release();
    const later = create(MIB);
    later.append(Uint8Array.of(1));
    expect(later.fault).toBeUndefined();
  });
});
