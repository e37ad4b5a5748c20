/** What connects again in a page, which is loaded once there is a connection. */
import { expect, it } from "vitest";
import { localError, type RingmqError } from "../../../src/client/base/error.js";
import type { Connection } from "../../../src/client/connection/connection.js";
import type { Reconnector, ReconnectorOptions } from "../../../src/client/connection/reconnector.js";
import { revivalOf } from "../../../src/client/page/page-reviving.js";
import { VirtualClock } from "../../../src/testing/virtual-clock.js";

const LOST = localError("CONNECTION_CLOSED", "lost");
const UNLOADABLE = localError("CONNECT_FAILED", "a part of the client could not be loaded");

const setUp = (timeout = Number.POSITIVE_INFINITY) => {
  const clock = new VirtualClock(0);
  const events: unknown[] = [];
  const connection = { clock, giveUp: (reason: RingmqError) => events.push(["gave up", reason]) };
  class Loaded {
    constructor(...what: unknown[]) {
      events.push(["made", ...what]);
    }

    lost(reason: RingmqError): void {
      events.push(["lost", reason]);
    }

    stop(): void {
      events.push("stopped");
    }
  }
  const options = { minDelay: 100, maxDelay: 1_000, timeout } as ReconnectorOptions;
  const part = Loaded as unknown as typeof Reconnector;
  const loads = { count: 0, fail: 0, gate: Promise.resolve() };
  const revival = () =>
    revivalOf(connection as unknown as Connection, options, async () => {
      loads.count++;
      await loads.gate;
      if (loads.fail-- > 0) throw UNLOADABLE;
      return part;
    });
  return { clock, events, loads, revival, made: ["made", connection, options] };
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it("is there before the connection is lost", async () => {
  const { events, revival, made } = setUp();
  const revived = revival();
  await turn();
  revived.lost(LOST);
  revived.stop();
  expect(events).toEqual([made, ["lost", LOST], "stopped"]);
});

it("hears of a loss that came before it", async () => {
  const { events, loads, revival, made } = setUp();
  let open = (): void => {};
  loads.gate = new Promise((resolve) => {
    open = resolve;
  });
  const revived = revival();
  revived.lost(LOST);
  expect(events).toEqual([]);
  open();
  await turn();
  expect(events).toEqual([made, ["lost", LOST]]);
});

it("is asked for again until it can be loaded", async () => {
  const { clock, events, loads, revival, made } = setUp();
  loads.fail = 3;
  revival().lost(LOST);
  for (let i = 0; i < 3; i++) {
    await turn();
    clock.moveTo(clock.now() + 1_000);
  }
  await turn();
  expect(events).toEqual([made, ["lost", LOST]]);
  expect(loads.count).toBe(4);
});

it("ends the connection when it cannot be loaded in time", async () => {
  const { clock, events, loads, revival } = setUp(2_000);
  loads.fail = 1_000;
  revival();
  clock.moveTo(3_600_000);
  await turn();
  expect(events).toEqual([]);
  const late = setUp(2_000);
  late.loads.fail = 1_000;
  late.revival().lost(LOST);
  for (let i = 0; i < 60; i++) {
    await turn();
    late.clock.moveTo(late.clock.now() + 1_000);
  }
  expect(late.events).toEqual([["gave up", UNLOADABLE]]);
  expect(late.loads.count).toBeLessThan(40);
});

it("is not made for a connection that has ended meanwhile, and not asked for again", async () => {
  const { clock, events, loads, revival } = setUp();
  loads.fail = 1;
  const failing = revival();
  failing.stop();
  await turn();
  clock.moveTo(3_600_000);
  const whole = revival();
  whole.stop();
  await turn();
  expect(events).toEqual([]);
  expect(loads.count).toBe(2);
});
