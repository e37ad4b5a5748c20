/** The last messages of a channel, as the page holds them. */
import { describe, expect, it } from "vitest";
import { MOST_BODY, TailBuffer, type TailMessage } from "../../../src/console/pages/channels/tail-buffer.js";

const messageOf = (
  position: number,
  body: string | Uint8Array,
  headers: Record<string, unknown> = {},
): TailMessage => ({
  position,
  id: undefined,
  time: undefined,
  body: typeof body === "string" ? new TextEncoder().encode(body) : body,
  headers,
});

const bodies = ({ lines }: TailBuffer): string[] => lines.map(({ body }) => new TextDecoder().decode(body));

const numbers = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `m${from + i}`);

const fill = (tail: TailBuffer, from: number, to: number): void => {
  for (let i = from; i < to; i++) tail.add(messageOf(i, `m${i}`), i);
};

describe("a tail", () => {
  it("has the last messages, however many come, and counts all", () => {
    const tail = new TailBuffer(50);
    fill(tail, 0, 30);
    expect(tail.lines).toEqual([]);
    tail.show();
    expect(bodies(tail)).toEqual(numbers(0, 30));
    fill(tail, 30, 10_000);
    tail.show();
    expect(bodies(tail)).toEqual(numbers(9_950, 10_000));
    expect(tail.passed).toBe(10_000);
    fill(tail, 10_000, 10_010);
    tail.show();
    expect(bodies(tail)).toEqual(numbers(9_960, 10_010));
    expect(tail.lines[0]).toMatchObject({ position: 9_960, number: 9_960, time: 9_960, size: 5 });
  });

  it("lets nothing be seen of what was skipped", () => {
    const tail = new TailBuffer(10);
    fill(tail, 0, 5);
    tail.show();
    fill(tail, 5, 8);
    tail.skip();
    fill(tail, 8, 9);
    tail.show();
    expect(bodies(tail)).toEqual([...numbers(0, 5), "m8"]);
    expect(tail.passed).toBe(9);
    tail.clear();
    expect(tail.lines).toEqual([]);
    expect(tail.passed).toBe(9);
  });

  it("shows what its filter lets through: bodies and headers, in whichever case", () => {
    const tail = new TailBuffer(10);
    tail.add(messageOf(0, "Apples"), 0);
    tail.add(messageOf(1, "pears"), 0);
    tail.filter = "apple";
    expect(bodies(tail)).toEqual(["Apples"]);
    tail.add(messageOf(2, "pears"), 0);
    tail.add(messageOf(3, "plums", { with: "APPLES", big: 2n ** 63n }), 0);
    tail.show();
    expect(bodies(tail)).toEqual(["Apples", "plums"]);
    expect([tail.passed, tail.matched]).toEqual([4, 3]);
    tail.filter = "";
    tail.add(messageOf(4, "nuts"), 0);
    tail.show();
    expect(bodies(tail)).toEqual(["Apples", "plums", "nuts"]);
  });

  it("keeps the beginning of a large body, and nothing of what came with it", () => {
    const chunk = new Uint8Array(4 * MOST_BODY).fill(97);
    const tail = new TailBuffer(10);
    tail.add(messageOf(0, chunk.subarray(1)), 0);
    tail.add(messageOf(1, chunk.subarray(0, 3)), 0);
    tail.show();
    expect(tail.lines.map(({ size, body }) => [size, body.length, body.buffer.byteLength])).toEqual([
      [chunk.length - 1, MOST_BODY, MOST_BODY],
      [3, 3, 3],
    ]);
  });

  it("bears headers that cannot be read", () => {
    const tail = new TailBuffer(10);
    const broken = Object.defineProperty(messageOf(0, "x"), "headers", {
      get: () => {
        throw new Error("no map");
      },
    });
    tail.filter = "x";
    tail.add(broken, 0);
    tail.show();
    expect(bodies(tail)).toEqual(["x"]);
    expect(tail.lines[0]?.readHeaders).toThrow("no map");
  });
});
