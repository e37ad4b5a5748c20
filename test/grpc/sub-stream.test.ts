import { Writable } from "node:stream";
import type { ServerWritableStream } from "@grpc/grpc-js";
import { afterEach, expect, it, vi } from "vitest";
import type { ChannelMessage, Feed, Refusal } from "../../src/grpc/channels.js";
import type { SubRequest, SubResponse } from "../../src/grpc/definition.js";
import { SubStream } from "../../src/grpc/sub-stream.js";

/** A call of which a test takes one message after another, as HTTP/2 does. */
class TestCall extends Writable {
  readonly taken: SubResponse[] = [];
  error: Error | undefined;
  #held: [SubResponse, () => void] | undefined;

  constructor() {
    super({ objectMode: true });
    // As grpc-js does with an error that a handler emits.
    this.on("error", (error) => {
      this.error = error;
      this.end();
    });
  }

  override _write(message: SubResponse, _encoding: string, done: () => void): void {
    this.#held = [message, done];
  }

  async take(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const held = this.#held;
      if (held === undefined) return;
      this.#held = undefined;
      this.taken.push(held[0]);
      held[1]();
      await Promise.resolve();
      await new Promise<void>((resolve) => process.nextTick(resolve));
    }
  }
}

const SIZE = 10_000;

const testFeed = (count: number, lost = 0) => {
  let next = 0;
  const state = { given: 0, done: 0, isClosed: false, end: undefined as Refusal | undefined };
  const feed: Feed = {
    start: {},
    onReady: () => {},
    take: (): ChannelMessage | undefined => {
      if (next === count) return undefined;
      state.given++;
      return { payload: Buffer.alloc(SIZE - 4), position: next++, id: undefined, lost, size: SIZE };
    },
    done: (size) => {
      state.done += size;
    },
    get end() {
      return next === count ? state.end : undefined;
    },
    close: () => {
      state.isClosed = true;
    },
  };
  return { feed, state };
};

const streamOf = (feed: Feed) => {
  const call = new TestCall();
  const heard = { lost: 0, stuck: 0 };
  const events = {
    lost: (count: number) => {
      heard.lost += count;
    },
    stuck: () => {
      heard.stuck++;
    },
  };
  const stream = new SubStream(call as unknown as ServerWritableStream<SubRequest, SubResponse>, feed, events);
  stream.start();
  return { call, stream, heard };
};

afterEach(() => {
  vi.useRealTimers();
});

it("hands over about 64 KiB that are not taken, and tells the feed what has gone", async () => {
  const { feed, state } = testFeed(100, 1);
  const { call, heard } = streamOf(feed);
  expect(state).toMatchObject({ given: 7, done: 0 });
  await call.take(3);
  expect(state).toMatchObject({ given: 7, done: 3 * SIZE });
  await call.take(97);
  expect(state).toMatchObject({ given: 100, done: 100 * SIZE });
  expect(call.taken.map(({ position }) => position)).toEqual(Array.from({ length: 100 }, (_, i) => i));
  expect(heard.lost).toBe(100);
});

it("ends behind what is handed over, with the reason", async () => {
  const { feed, state } = testFeed(5);
  const { call } = streamOf(feed);
  state.end = { code: "SHUTTING_DOWN", text: "the broker is stopping" };
  feed.onReady();
  expect(state.isClosed).toBe(true);
  await call.take(5);
  expect(call.taken).toHaveLength(5);
  expect(call.error?.message).toBe("SHUTTING_DOWN: the broker is stopping");
  expect(call.writableFinished).toBe(true);
});

it("is stuck when nobody reads the rest of it for long, and not when somebody does", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const end = { code: "SLOW_SUBSCRIBER", text: "too far behind" };
  const unread = testFeed(2);
  unread.state.end = end;
  const { heard: told } = streamOf(unread.feed);
  const read = testFeed(2);
  read.state.end = end;
  const { call, heard } = streamOf(read.feed);
  await call.take(2);
  vi.advanceTimersByTime(60_000);
  expect([told.stuck, heard.stuck]).toEqual([1, 0]);
});

it("frees its feed when the client goes", () => {
  const { feed, state } = testFeed(1);
  const { stream } = streamOf(feed);
  stream.cancel();
  expect(state.isClosed).toBe(true);
});
