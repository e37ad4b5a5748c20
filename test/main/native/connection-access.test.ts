/** What becomes of connections whose client is nobody, and of those whose user publishes more than it may. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { hashOf } from "../../../src/main/access/token-hash.js";
import type { NativeConnection } from "../../../src/main/native/connection.js";
import { Throttle } from "../../../src/main/native/throttle.js";
import type { UserLimitOptions, UserOptions } from "../../../src/main/user-options.js";
import { errorName } from "../../../src/protocol/errors.js";
import { Answer, Op } from "../../../src/protocol/op.js";
import { entries, type Frame, frame } from "../frames.js";
import { MemoryTransport, testSwitchboard } from "../switchboard.js";

const userWith = (limits: UserLimitOptions = {}): UserOptions => ({
  name: "some",
  tokens: [{ hash: hashOf("token") }],
  permissions: [{ topics: "*", allow: ["publish"] }],
  limits,
});

const receive = (connection: NativeConnection, ...frames: readonly Buffer[]): void => {
  const bytes = Buffer.concat(frames);
  connection.receive(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length);
};

const hello = (token: string): Buffer => frame(Op.HELLO, 1, [1, "test", token]);

const publish = (request: number, messages: number): Buffer =>
  frame(Op.PUBLISH, request, ["topic"], entries(...Array.from({ length: messages }, () => "x")));

const errorsOf = (frames: readonly Frame[]): (string | undefined)[] =>
  frames.filter(({ op }) => op === Answer.ERROR).map(({ head }) => errorName(Number(head[0])));

describe("a client that is nobody", () => {
  it("is refused late when it has been often, and no sooner because others are looked after meanwhile", async () => {
    const board = await testSwitchboard({ users: [userWith()] });
    vi.useFakeTimers();
    try {
      const turnedAway = Array.from({ length: 11 }, () => {
        const transport = new MemoryTransport();
        const connection = board.open(transport, {});
        receive(connection, hello("wrong"), frame(Op.TOPICS, 2, [0]));
        return { transport, connection };
      });
      const last = turnedAway.at(-1);
      expect(turnedAway.map(({ transport }) => transport.frames.length)).toEqual([...Array(10).fill(1), 0]);
      last?.connection.sweep(performance.now());
      last?.connection.recheck();
      vi.advanceTimersByTime(999);
      expect(last?.transport.frames).toEqual([]);
      vi.advanceTimersByTime(1);
      expect(errorsOf(last?.transport.frames ?? [])).toEqual(["UNAUTHORIZED"]);
      expect(last?.transport.frames[0]?.head).toEqual(turnedAway[0]?.transport.frames[0]?.head);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("a user that publishes more than it may", () => {
  it("gains nothing by new connections: far ahead it is refused, and read no further", async () => {
    const board = await testSwitchboard({ users: [userWith({ publishRate: 1 })] });
    const transports = Array.from({ length: 5 }, () => {
      const transport = new MemoryTransport();
      receive(board.open(transport, {}), hello("token"), publish(2, 50), publish(3, 1));
      return transport;
    });
    expect(transports.map(({ frames }) => errorsOf(frames))).toEqual([
      [],
      // It is behind by 50 s, and then by 100.
      ["BUSY"],
      ["BUSY", "BUSY"],
      ["BUSY", "BUSY"],
      ["BUSY", "BUSY"],
    ]);
    expect(transports.every(({ isPaused }) => isPaused)).toBe(true);
  });
});

describe("a throttle", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** 60 days: longer than a timer of the machine can wait. */
  const LONG = 60 * 24 * 3_600_000;

  const throttled = () => {
    const access = {
      wait: LONG,
      isOver: false,
      left: LONG,
      looks: 0,
      publishWait() {
        this.looks++;
        return this.left;
      },
    };
    const changes: boolean[] = [];
    const throttle = new Throttle(() => changes.push(throttle.isOn));
    throttle.look(access as unknown as Parameters<Throttle["look"]>[0]);
    return { access, changes, throttle };
  };

  it("looks once a second, however long there is to wait, and lets go when its user may publish more", () => {
    const { access, changes } = throttled();
    vi.advanceTimersByTime(10_000);
    expect([access.looks, changes]).toEqual([10, [true]]);
    access.left = 0;
    vi.advanceTimersByTime(1_000);
    expect(changes).toEqual([true, false]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("keeps nothing of a connection that has gone", () => {
    const { throttle } = throttled();
    throttle.stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});
