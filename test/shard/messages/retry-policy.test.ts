import { describe, expect, it } from "vitest";
import { EPOCH, idHigh, idLow } from "../../../src/protocol/id.js";
import { MAX_DELAY } from "../../../src/protocol/limits.js";
import { isTooOld, retryDelay } from "../../../src/shard/messages/retry-policy.js";
import { DEFAULT_CONFIG } from "../../../src/shard/topics/topic.js";

const config = (changes: Partial<typeof DEFAULT_CONFIG>) => ({ ...DEFAULT_CONFIG, ...changes });

describe("the delay of a retry", () => {
  it("is none by default", () => {
    expect(retryDelay(DEFAULT_CONFIG, 1, 5, 6)).toBe(0);
    expect(retryDelay(config({ retryJitter: 1, retryMaxDelay: 50 }), 65_534, 5, 6)).toBe(0);
  });

  it("grows by its factor, up to its cap", () => {
    const curve = (changes: Partial<typeof DEFAULT_CONFIG>): number[] =>
      [1, 2, 3, 4, 65_534].map((retry) => retryDelay(config(changes), retry, 5, 6));
    expect(curve({ retryDelay: 100 })).toEqual([100, 200, 400, 800, MAX_DELAY]);
    expect(curve({ retryDelay: 100, retryMaxDelay: 350 })).toEqual([100, 200, 350, 350, 350]);
    expect(curve({ retryDelay: 100, retryFactor: 1.5 })).toEqual([100, 150, 225, 338, MAX_DELAY]);
    expect(curve({ retryDelay: 100, retryFactor: 1 })).toEqual([100, 100, 100, 100, 100]);
    expect(curve({ retryDelay: MAX_DELAY, retryFactor: 1000 })).toEqual(Array(5).fill(MAX_DELAY));
    expect(curve({ retryDelay: 100, retryMaxDelay: 40 })).toEqual([40, 40, 40, 40, 40]);
  });

  it("is spread over the share that the jitter names, the same way each time", () => {
    const jittered = config({ retryDelay: 1_000_000, retryJitter: 0.4 });
    const delays = (retry: number): number[] =>
      Array.from({ length: 4096 }, (_, i) => retryDelay(jittered, retry, 5, (77 << 22) + i));
    const first = delays(1);
    expect(Math.min(...first)).toBeGreaterThanOrEqual(600_000);
    expect(Math.max(...first)).toBeLessThanOrEqual(1_000_000);
    // A tenth of the share has a tenth of the messages, more or less.
    for (let from = 600_000; from < 1_000_000; from += 40_000) {
      const within = first.filter((delay) => delay > from && delay <= from + 40_000).length;
      expect(Math.abs(within - 409.6)).toBeLessThan(100);
    }
    expect(delays(1)).toEqual(first);
    // Those that fail together once do not stay together.
    const second = delays(2).map((delay, i) => delay / 2 - (first[i] ?? 0));
    expect(new Set(second).size).toBeGreaterThan(4000);
  });
});

it("a message is too old when the time since its publish is more than the topic allows", () => {
  const published = EPOCH + 123_456_789;
  const id = [idHigh(123_456_789), idLow(123_456_789, 7) + 5] as const;
  expect(isTooOld(config({ retryMaxAge: 1000 }), ...id, published + 1000)).toBe(false);
  expect(isTooOld(config({ retryMaxAge: 1000 }), ...id, published + 1001)).toBe(true);
  expect(isTooOld(DEFAULT_CONFIG, ...id, published + MAX_DELAY)).toBe(false);
});
