/** Parts of the client that a page loads when it first uses them. */
import { expect, it } from "vitest";
import { RingmqError } from "../../../src/client/base/error.js";
import { later } from "../../../src/client/page/later.js";

class Part {
  readonly name = "the part";
  readonly calls: number[] = [];

  call(number: number): number {
    this.calls.push(number);
    return number * 2;
  }

  async *numbers(count: number): AsyncGenerator<number, void> {
    for (let i = 0; i < count; i++) yield i;
  }

  [Symbol.asyncIterator](): AsyncGenerator<number, void> {
    return this.numbers(2);
  }

  get isThere(): boolean {
    return true;
  }
}

interface Later extends AsyncIterable<number> {
  readonly name: string | undefined;
  readonly isThere: boolean;
  call(number: number): number | Promise<number>;
  numbers(count: number): AsyncIterable<number>;
}

const standIn = (load: () => Promise<object>): Later =>
  later(load as () => Promise<Record<PropertyKey, unknown>>, { isThere: false }, [
    "numbers",
    Symbol.asyncIterator,
  ]) as Later;

it("is loaded once, by its first call, and has its calls in their order", async () => {
  const part = new Part();
  let loads = 0;
  const stand = standIn(async () => {
    loads++;
    return part;
  });
  expect([stand.isThere, loads]).toEqual([false, 0]);
  expect(await Promise.all([stand.call(1), stand.call(2)])).toEqual([2, 4]);
  // It is there: nothing waits any more.
  expect([stand.call(3), stand.isThere, stand.name]).toEqual([6, true, "the part"]);
  expect([part.calls, loads]).toEqual([[1, 2, 3], 1]);
});

it("has iterators that load it when they are read", async () => {
  const numbers: number[] = [];
  for await (const number of standIn(async () => new Part()).numbers(3)) numbers.push(number);
  for await (const number of standIn(async () => new Part())) numbers.push(number);
  expect(numbers).toEqual([0, 1, 2, 0, 1]);
});

it("that cannot be loaded rejects with an error of the client's, and is tried again", async () => {
  const reason = new TypeError("Failed to fetch dynamically imported module");
  let loads = 0;
  const stand = standIn(async () => {
    if (loads++ === 0) throw reason;
    return new Part();
  });
  const failed = await Promise.allSettled([stand.call(1), stand.call(2)]);
  for (const each of failed) {
    expect(each.status === "rejected" && each.reason).toBeInstanceOf(RingmqError);
    expect(each).toMatchObject({ reason: { code: "CONNECT_FAILED", retryable: true, cause: reason } });
    expect(each).toMatchObject({ reason: { message: expect.stringContaining("reload the page") } });
  }
  expect(await stand.call(3)).toBe(6);
  expect(loads).toBe(2);
});

it("that cannot be made rejects with why", async () => {
  const wrong = new RingmqError("BAD_ARGUMENT", "there is no option", false);
  const stand = standIn(async () => {
    throw wrong;
  });
  await expect(stand.call(1)).rejects.toBe(wrong);
});

it("is no promise", async () => {
  const stand = standIn(async () => new Part());
  expect(await stand).toBe(stand);
  expect(await stand.call(1)).toBe(2);
  expect(await stand).toBe(stand);
});
